const LONGEST = 100;

/** A public model's name as part of a key. Clients invent long names where a wildcard serves them. */
export function modelKey(model: string): string {
  return model.length > LONGEST ? model.slice(0, LONGEST) : model;
}
