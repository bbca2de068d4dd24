/** Slugs of providers that have a package of their own, so that a missing one is told apart from a misspelt one. */
export const KNOWN_PROVIDERS: readonly string[] = `
  anthropic azure azure_ai azure_text bedrock vertex_ai vertex_ai_beta gemini cohere cohere_chat mistral ollama
  ollama_chat openai text-completion-openai huggingface replicate sagemaker sagemaker_chat watsonx watsonx_text
  databricks snowflake oci sap cloudflare nlp_cloud ai21 predibase petals oobabooga triton maritalk clarifai voyage
  jina_ai infinity deepgram elevenlabs assemblyai aws_polly fal_ai stability recraft runwayml topaz bytez gigachat
  github_copilot chatgpt langgraph manus a2a codestral text-completion-codestral datarobot heroku gradient_ai
  vercel_ai_gateway milvus pg_vector s3_vectors ragflow
`
  .trim()
  .split(/\s+/);
