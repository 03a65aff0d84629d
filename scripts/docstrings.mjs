// Names every exported declaration under src that has no docstring. Re-exports carry the docstring of what they export.
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";
import { ROOT } from "./sources.mjs";

const faults = sourceFiles(join(ROOT, "src")).flatMap(undocumented);
for (const fault of faults) console.log(fault);
if (faults.length > 0) console.log(`${faults.length} exports without a docstring`);
process.exitCode = faults.length === 0 ? 0 : 1;

function sourceFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "generated" ? [] : sourceFiles(path);
    return entry.name.endsWith(".ts") && !entry.name.endsWith(".d.ts") ? [path] : [];
  });
}

function undocumented(path) {
  const file = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.ES2022, true);
  const faultsOfFile = [];
  const documentedOverloads = new Set();
  for (const statement of file.statements) {
    if (!isExported(statement)) continue;
    const names = declaredNames(statement);
    if (ts.getJSDocCommentsAndTags(statement).length > 0) {
      for (const name of names) documentedOverloads.add(name);
      continue;
    }
    const missing = names.filter((name) => !documentedOverloads.has(name));
    const { line } = file.getLineAndCharacterOfPosition(statement.getStart());
    for (const name of missing) faultsOfFile.push(`${relative(ROOT, path)}:${line + 1} ${name}`);
  }
  return faultsOfFile;
}

function isExported(statement) {
  return ts.canHaveModifiers(statement) && ts.getModifiers(statement)?.some(isExportKeyword) === true;
}

function isExportKeyword({ kind }) {
  return kind === ts.SyntaxKind.ExportKeyword;
}

function declaredNames(statement) {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  }
  return [statement.name?.getText() ?? "default"];
}
