/** Fields of custom prices besides those per token, in US dollars. The same names as in LiteLLM's price map. */
export const PRICE_FIELDS: readonly string[] = `
  output_cost_per_reasoning_token input_cost_per_token_cache_hit
  cache_read_input_token_cost cache_read_input_token_cost_above_200k_tokens cache_read_input_audio_token_cost
  cache_read_input_image_token_cost
  cache_creation_input_token_cost cache_creation_input_token_cost_above_1hr
  cache_creation_input_token_cost_above_200k_tokens cache_creation_input_token_cost_above_1hr_above_200k_tokens
  input_cost_per_token_above_128k_tokens input_cost_per_token_above_200k_tokens input_cost_per_token_above_272k_tokens
  output_cost_per_token_above_128k_tokens output_cost_per_token_above_200k_tokens
  output_cost_per_token_above_272k_tokens
  input_cost_per_token_batches output_cost_per_token_batches input_cost_per_token_priority
  output_cost_per_token_priority input_cost_per_token_flex output_cost_per_token_flex
  cache_read_input_token_cost_priority cache_read_input_token_cost_flex
  input_cost_per_audio_token output_cost_per_audio_token input_cost_per_audio_per_second input_cost_per_second
  input_cost_per_character input_cost_per_image output_cost_per_image
  input_cost_per_image_token output_cost_per_image_token input_cost_per_query input_cost_per_request
  output_cost_per_second input_cost_per_pixel output_cost_per_pixel ocr_cost_per_page annotation_cost_per_page
  code_interpreter_cost_per_session file_search_cost_per_1k_calls citation_cost_per_token
`
  .trim()
  .split(/\s+/);

/** Fields that are not in US dollars alone. */
export const SHAPED_PRICE_FIELDS: readonly string[] = [
  "search_context_cost_per_query",
  "tiered_pricing",
  "provider_specific_entry",
];

/** Fields for what nothing here is priced by. */
export const LATER_PRICE_FIELDS = `
  cache_creation_input_audio_token_cost
  regional_processing_uplift_multiplier_eu regional_processing_uplift_multiplier_us
  output_cost_per_character
  input_cost_per_video_per_second output_cost_per_video_per_second
  input_cost_per_video_per_second_above_8s_interval input_cost_per_video_per_second_above_15s_interval
  file_search_cost_per_gb_per_day vector_store_cost_per_gb_per_day computer_use_input_cost_per_1k_tokens
  computer_use_output_cost_per_1k_tokens input_dbu_cost_per_token output_dbu_cost_per_token
`;
