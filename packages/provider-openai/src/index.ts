export type {
  EndpointSource,
  ErrorRow,
  ModelRule,
  ModelRules,
  WireEndpoint,
  WireProfile,
  WireResource,
} from "./profile.ts";
