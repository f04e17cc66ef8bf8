/**
 * A share of one file, which the guest can read by the name `document`.
 */
import { backend } from "@bulkhead/bulkhead";

const NAME = "document";

export default backend({
  id: "acme/lectern",
  api: 1,
  version: 1,
  provides: "fileShare",
  host: { document: { kind: "file", access: "read", why: "it is what the guest may read" } },
  open: ({ file }) => {
    const document = file("document");
    const isDocument = (path: readonly string[]) => path.length === 1 && path[0] === NAME;
    return {
      readOnly: true,
      stat: (path) => {
        if (path.length === 0) return { kind: "folder", size: 0, modified: 0, mode: 0o555 };
        return isDocument(path) ? { kind: "file", size: document.size(), modified: 0, mode: 0o444 } : undefined;
      },
      list: (path) => path.length === 0 ? [NAME] : [],
      read: (path, offset, into) => isDocument(path) ? document.read(offset, into) : 0,
    };
  },
});
