// Text from templates, Jinja style. Sole importer of nunjucks. Values put into *.xml are escaped; into other files they
// go as they are, so whoever renders those hands in only values of a known shape.
import nunjucks from "nunjucks";
import { CloudError, messageOf } from "./errors.ts";

export interface Templates {
  /** Printing an undefined value, or any other fault of the template, is CloudError "internal" naming the template. */
  render(name: string, values: Record<string, unknown>): string;
}

/** Templates by file name; the first directory that has it wins. Each is read and compiled once. */
export function openTemplates(directories: readonly string[]): Templates {
  const plain = openEnvironment(directories, false);
  const escaping = openEnvironment(directories, true);

  return {
    render(name, values) {
      const environment = name.endsWith(".xml") ? escaping : plain;
      try {
        return environment.getTemplate(name, true).render(values);
      } catch (error) {
        const words = messageOf(error).replace(/\s+/g, " ");
        throw new CloudError("internal", `template ${name}: ${words}`, { cause: error });
      }
    },
  };
}

/** One loader each: a loader keeps the compiled templates, and those keep the escaping they were compiled with. */
function openEnvironment(directories: readonly string[], autoescape: boolean): nunjucks.Environment {
  return new nunjucks.Environment(new nunjucks.FileSystemLoader([...directories]), {
    autoescape,
    throwOnUndefined: true,
    trimBlocks: true,
    lstripBlocks: true,
  });
}
