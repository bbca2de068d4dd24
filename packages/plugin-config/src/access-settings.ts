import type { ConfigValues } from "./config-values.ts";
import { needsSwitch } from "./one-of-several.ts";
import type { Source } from "./source.ts";

/** Who may call from where, and what a call must say: options of the listener. */
export interface AccessSettings {
  readonly keyHeaders?: readonly string[];
  readonly endUserHeaders?: readonly string[];
  readonly allowedAddresses?: readonly string[];
  readonly trustedProxies?: readonly string[];
  readonly publicRoutes?: readonly string[];
  readonly adminOnlyRoutes?: readonly string[];
  readonly allowedRoutes?: readonly string[];
  readonly requiredParams?: readonly string[];
  readonly requireUser?: boolean;
  readonly refuseTags?: boolean;
  readonly budgetExceededStatus?: 422 | 429;
}

const GENERAL = "general_settings";

export function collectAccess(
  { general_settings: general = {}, litellm_settings: calls = {} }: ConfigValues,
  source: Source,
): AccessSettings {
  needsSwitch(source, GENERAL, "trusted_proxies", "use_x_forwarded_for", "add use_x_forwarded_for: true");
  const { use_x_forwarded_for: forwarded, trusted_proxies: proxies } = general;
  if (forwarded === true && source.lacks([GENERAL], "trusted_proxies")) {
    source.problem([GENERAL, "use_x_forwarded_for"], "would believe anybody's header", "add trusted_proxies");
  }
  const { user_header_name: name, user_header_mappings: mapped, litellm_key_header_name: keyHeader } = general;
  const endUserHeaders = [...new Set([...(name === undefined ? [] : [name]), ...(mapped ?? [])])];
  const { allowed_ips: addresses, enforced_params: params } = general;
  const { public_routes: open, admin_only_routes: admins, allowed_routes: allowed } = general;
  const { enforce_user_param: requireUser, reject_clientside_metadata_tags: refuseTags } = general;
  const { budget_exceeded_status_code: budgetExceededStatus } = calls;
  return {
    ...(budgetExceededStatus !== undefined && { budgetExceededStatus }),
    ...(keyHeader !== undefined && { keyHeaders: [keyHeader] }),
    ...(endUserHeaders.length > 0 && { endUserHeaders }),
    ...(addresses !== undefined && { allowedAddresses: addresses }),
    ...(forwarded === true && proxies !== undefined && { trustedProxies: proxies }),
    ...(open !== undefined && { publicRoutes: open }),
    ...(admins !== undefined && { adminOnlyRoutes: admins }),
    ...(allowed !== undefined && { allowedRoutes: allowed }),
    ...(params !== undefined && { requiredParams: params }),
    ...(requireUser !== undefined && { requireUser }),
    ...(refuseTags !== undefined && { refuseTags }),
  };
}
