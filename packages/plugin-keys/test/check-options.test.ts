import { describe, expect, it } from "vitest";
import { Secret } from "@signalbox/kernel";
import { keys } from "@signalbox/plugin-keys";

const needed = { masterKeys: [new Secret("sk-1")], pepper: new Secret("0123456789abcdef0123456789abcdef") };

function failure(options: unknown): unknown {
  try {
    keys({ ...needed, ...(options as object) });
  } catch (thrown) {
    const { code, message } = thrown as { readonly code: string; readonly message: string };
    return { code, message };
  }
  return undefined;
}

describe("what holds for new objects", () => {
  it("is taken as the management API names it", () => {
    expect(
      failure({
        defaultKeyGenerateParams: { models: ["small"], max_budget: 5, duration: "30d", metadata: { by: "default" } },
        upperboundKeyGenerateParams: { max_budget: 100, duration: "30d", rpm_limit: 10, budget_duration: "30d" },
        defaultTeamParams: { models: ["small"], max_budget: 100 },
        defaultInternalUserParams: { user_role: "internal_user_viewer", max_budget: 1 },
        keyGenerationSettings: {
          team_key_generation: { allowed_team_member_roles: ["admin"], required_params: ["tags"] },
          personal_key_generation: { allowed_user_roles: ["proxy_admin"] },
        },
      }),
    ).toBeUndefined();
  });

  it("is refused where it names what is not there", () => {
    expect(failure({ defaultKeyGenerateParams: { modles: ["small"] } })).toEqual({
      code: "option_invalid",
      message: 'keys: there is no option "defaultKeyGenerateParams.modles".',
    });
    expect(failure({ upperboundKeyGenerateParams: { max_budget: -1 } })).toMatchObject({ code: "option_invalid" });
    expect(failure({ defaultInternalUserParams: { user_role: "king" } })).toMatchObject({ code: "option_invalid" });
    expect(
      failure({ keyGenerationSettings: { personal_key_generation: { required_params: ["colour"] } } }),
    ).toMatchObject({ code: "option_invalid" });
  });
});
