/** A secret that is known by how it begins. */
export interface TokenRule {
  readonly kind: string;
  readonly prefix: string;
  /** Sticky, from the prefix on; matches a run of characters of names, up to 300. */
  readonly pattern: RegExp;
}

/** Keys whose makers have given them a beginning of their own, in the forms that the makers document. */
export const TOKEN_RULES: readonly TokenRule[] = [
  ...["AKIA", "ASIA", "ABIA", "ACCA"].map((prefix) => ({ kind: "awsKey", prefix, pattern: /A[A-Z]{3}[A-Z2-7]{16}/y })),
  { kind: "anthropicKey", prefix: "sk-ant-", pattern: /sk-ant-[a-z0-9]{3,12}-[A-Za-z0-9_-]{20,200}/y },
  {
    kind: "openaiKey",
    prefix: "sk-",
    pattern: /sk-(?:proj-|svcacct-|admin-|or-v1-)?(?=[A-Za-z0-9_-]{0,80}\d)[A-Za-z0-9_-]{20,250}/y,
  },
  ...["ghp_", "gho_", "ghu_", "ghs_", "ghr_"].map((prefix) => ({
    kind: "githubToken",
    prefix,
    pattern: /gh[pousr]_[A-Za-z0-9]{36,255}/y,
  })),
  { kind: "githubToken", prefix: "github_pat_", pattern: /github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}/y },
  { kind: "gitlabToken", prefix: "glpat-", pattern: /glpat-[A-Za-z0-9_-]{20,64}/y },
  { kind: "slackToken", prefix: "xox", pattern: /xox[abeoprs]-(?:\d-)?[A-Za-z0-9-]{10,200}/y },
  { kind: "slackToken", prefix: "xapp-", pattern: /xapp-\d-[A-Z0-9]{8,16}-\d{8,16}-[a-f0-9]{32,128}/y },
  {
    kind: "slackWebhook",
    prefix: "hooks.slack.com/",
    pattern: /hooks\.slack\.com\/(?:services|workflows)\/[A-Za-z0-9/+]{30,90}/y,
  },
  ...["sk_live_", "sk_test_", "rk_live_", "rk_test_"].map((prefix) => ({
    kind: "stripeKey",
    prefix,
    pattern: /[rs]k_(?:live|test)_[A-Za-z0-9]{16,128}/y,
  })),
  { kind: "stripeKey", prefix: "whsec_", pattern: /whsec_[A-Za-z0-9+/]{24,64}={0,2}/y },
  { kind: "googleKey", prefix: "AIza", pattern: /AIza[A-Za-z0-9_-]{35}/y },
  { kind: "googleKey", prefix: "GOCSPX-", pattern: /GOCSPX-[A-Za-z0-9_-]{28}/y },
  { kind: "googleKey", prefix: "ya29.", pattern: /ya29\.[A-Za-z0-9_-]{20,250}/y },
  { kind: "sendgridKey", prefix: "SG.", pattern: /SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}/y },
  { kind: "npmToken", prefix: "npm_", pattern: /npm_[A-Za-z0-9]{36}/y },
  { kind: "pypiToken", prefix: "pypi-AgEI", pattern: /pypi-AgEI[A-Za-z0-9_-]{50,250}/y },
  { kind: "huggingfaceToken", prefix: "hf_", pattern: /hf_[A-Za-z]{34}/y },
  { kind: "digitaloceanToken", prefix: "do", pattern: /do[opr]_v1_[a-f0-9]{64}/y },
  { kind: "shopifyToken", prefix: "shp", pattern: /shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}/y },
  { kind: "groqKey", prefix: "gsk_", pattern: /gsk_[A-Za-z0-9]{40,64}/y },
  { kind: "xaiKey", prefix: "xai-", pattern: /xai-[A-Za-z0-9]{60,100}/y },
  { kind: "databricksToken", prefix: "dapi", pattern: /dapi[a-f0-9]{32}(?:-\d)?/y },
  { kind: "mailgunKey", prefix: "key-", pattern: /key-[a-f0-9]{32}/y },
];
