import type { AnyDevice } from "../bus/contract.ts";
export function overPci(device: AnyDevice, _name: string): AnyDevice {
  return device;
}
