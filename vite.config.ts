import { defineConfig } from "vite";

export default defineConfig({
  root: "client",
  base: "./",
  build: {
    outDir: "../dist/dashboard",
    emptyOutDir: true,
    target: "es2023",
    // The server's content security policy allows files of its own and nothing inline: no data: assets, no inline polyfill.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    reportCompressedSize: true,
  },
  server: { host: "127.0.0.1" },
  preview: { host: "127.0.0.1" },
});
