// Trusted Types: htmx may write HTML, because it comes from our own server, and nothing else on the page may.
// Scripts inside such HTML are left empty: every script of ours is a file with integrity, named in the page's head.
htmx.registerExtension("trusted-types", {
  init(api) {
    if (!window.trustedTypes) return;
    api.initSecurity(
      window.trustedTypes.createPolicy("htmx", { createHTML: (html) => html, createScript: () => "" }),
    );
  },
});
