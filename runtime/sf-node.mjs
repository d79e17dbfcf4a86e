#!/usr/bin/env node
// Starts sf-node from its TypeScript source.
import { register } from "tsx/esm/api";

register();
await import("./main.ts");
