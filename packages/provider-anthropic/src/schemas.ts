import { z } from "zod";

export interface TokenCount {
  readonly input_tokens: number;
}

export const tokenCount: z.ZodType<TokenCount> = z.object({ input_tokens: z.number() });

export interface ModelPage {
  readonly data: readonly {
    readonly id: string;
    readonly display_name?: string | null | undefined;
    readonly created_at?: string | null | undefined;
  }[];
  readonly has_more?: boolean | null | undefined;
  readonly last_id?: string | null | undefined;
}

export const modelPage: z.ZodType<ModelPage> = z.object({
  data: z.array(z.object({ id: z.string(), display_name: z.string().nullish(), created_at: z.string().nullish() })),
  has_more: z.boolean().nullish(),
  last_id: z.string().nullish(),
});
