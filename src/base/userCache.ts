import { homedir } from "node:os";
import { join } from "node:path";

/**
 * The folder of one kind of thing in the user's cache: `$KINEMA_CACHE/NAME`, else `$XDG_CACHE_HOME/kinema/NAME`, else
 * `~/.cache/kinema/NAME`. It need not exist.
 */
export function userCache(name: string, environment: NodeJS.ProcessEnv = process.env): string {
  const { KINEMA_CACHE, XDG_CACHE_HOME } = environment;
  return join(KINEMA_CACHE || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "kinema"), name);
}
