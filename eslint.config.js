// Type-aware rules for all TypeScript, the same without types for kernels and scripts. Nothing can be switched off from
// inside a file: an exception is made here, in the open.
import tseslint from "typescript-eslint";

const everywhere = {
  eqeqeq: "error",
  "max-lines": ["error", 400],
  "no-console": "error",
  "no-constant-binary-expression": "error",
  "no-debugger": "error",
  "no-empty": ["error", { allowEmptyCatch: false }],
  "no-fallthrough": "error",
  "no-self-compare": "error",
  "no-unreachable-loop": "error",
  "no-unsafe-finally": "error",
  "no-useless-catch": "error",
  "no-var": "error",
  "object-shorthand": "error",
  "prefer-const": "error",
};

const withTypes = {
  "@typescript-eslint/no-explicit-any": "error",
  "@typescript-eslint/no-floating-promises": "error",
  "@typescript-eslint/no-misused-promises": "error",
  "@typescript-eslint/consistent-type-imports": ["error", { disallowTypeAnnotations: false }],
  "@typescript-eslint/consistent-type-exports": "error",
  "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
  "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
  "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", ignoreRestSiblings: true }],
  // An async method without await keeps the promise of its interface: it never throws synchronously.
  "@typescript-eslint/require-await": "off",
};

export default tseslint.config(
  {
    ignores: [
      "dist/",
      "build/",
      "coverage/",
      "**/generated/",
      "**/node_modules/",
      "src/runtime/globals.d.ts",
    ],
  },
  {
    linterOptions: { noInlineConfig: true },
    rules: everywhere,
  },
  {
    files: ["**/*.ts"],
    ignores: ["assembly/**"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: "./tsconfig.json", tsconfigRootDir: import.meta.dirname } },
    rules: withTypes,
  },
  {
    // AssemblyScript: its types mean nothing to TypeScript, and a decorated function cannot be parsed at all.
    files: ["assembly/**/*.ts"],
    ignores: ["assembly/memory.ts"],
    extends: [tseslint.configs.base],
    rules: { eqeqeq: "off" },
  },
  {
    // Programs talk to people on the console.
    files: ["scripts/**", "bench/**", "examples/**", "test/**", "src/cli/**", "*.config.*"],
    rules: { "no-console": "off" },
  },
  {
    // A story needs its length; vitest's matchers are handed over unbound; await on a plain value is what a contract
    // test may need.
    files: ["test/**"],
    rules: {
      "max-lines": ["error", 400],
      "@typescript-eslint/unbound-method": "off",
      "@typescript-eslint/await-thenable": "off",
    },
  },
);
