/* Loads a script of a video service from its own servers, once; where that fails the next one who asks tries again. */

const loading = new Map();

/** Return a promise of `window[name]`, which the script at this address sets. */
export function library(src, name) {
  if (!loading.has(src)) {
    loading.set(src, new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = src;
      script.onload = () => resolve(globalThis[name]);
      script.onerror = () => {
        loading.delete(src);
        script.remove();
        reject(new Error(`${src} did not load`));
      };
      document.head.append(script);
    }));
  }
  return loading.get(src);
}
