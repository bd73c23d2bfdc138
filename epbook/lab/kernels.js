// The package's own compiled kernels (epbook/training, epbook/critical through numba) in the browser.
// Nothing that a kernel allocates outlives its call, so memory is handed out upwards and taken back whole.
const STACK = 1 << 16, PAGE = 1 << 16;

export function kernels(module) {
  const memory = new WebAssembly.Memory({ initial: 32 });
  let top = STACK;
  const take = size => {
    const at = top;
    top = (top + Number(size) + 63) & ~63;
    const missing = top - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.max(16, Math.ceil(missing / PAGE)));
    return at;
  };
  // numba's MemInfo: {int64 references, destructor, its argument, data, int64 size}, with 32-bit pointers
  const block = size => {
    const at = take(64 + Number(size)), view = new DataView(memory.buffer);
    view.setBigInt64(at, 1n, true);
    view.setBigInt64(at + 8, 0n, true);
    view.setInt32(at + 16, at + 64, true);
    view.setBigInt64(at + 24, size, true);
    return at;
  };
  const env = {
    __linear_memory: memory,
    __stack_pointer: new WebAssembly.Global({ value: "i32", mutable: true }, STACK),
    __indirect_function_table: new WebAssembly.Table({ initial: 32, element: "anyfunc" }),
    NRT_Allocate: take,
    NRT_Free() {},
    NRT_MemInfo_call_dtor() {},
    NRT_MemInfo_alloc: block,
    NRT_MemInfo_alloc_aligned: block,
    sqrt: Math.sqrt,
    __multi3(at, a, b, c, d) {  // a product of 128 bits: numba checks that sizes fit
      const whole = (low, high) => (BigInt.asIntN(64, high) << 64n) | BigInt.asUintN(64, low);
      const product = whole(a, b) * whole(c, d), view = new DataView(memory.buffer);
      view.setBigUint64(at, BigInt.asUintN(64, product), true);
      view.setBigInt64(at + 8, BigInt.asIntN(64, product >> 64n), true);
    },
    // Arrays that are reshaped here are contiguous: only the strides are new.
    numba_attempt_nocopy_reshape(nd, dims, strides, newNd, newDims, newStrides, itemSize) {
      const view = new DataView(memory.buffer);
      let stride = BigInt(itemSize);
      for (let q = Number(newNd) - 1; q >= 0; q--) {
        view.setBigInt64(newStrides + 8 * q, stride, true);
        stride *= view.getBigInt64(newDims + 8 * q, true);
      }
      return 1;
    },
  };
  const wasm = new WebAssembly.Instance(module, { env }).exports;
  return {
    clear() { top = STACK; },
    // Room for `given`, a typed array that is copied in, or for a number of float64; its address.
    place(given) {
      if (typeof given === "number") return take(8 * given);
      const at = take(given.byteLength);
      new given.constructor(memory.buffer, at, given.length).set(given);
      return at;
    },
    // Memory moves when it grows: look at it anew after every call.
    read: (at, count, Kind = Float64Array) => new Kind(memory.buffer, at, count),
    call(name, ...values) {
      const mark = top, result = take(64), failed = wasm[name](result, result + 8, ...values);
      top = mark;
      if (failed) throw new Error(`${name}: the kernel raised an error`);
      return Number(new DataView(memory.buffer).getBigInt64(result, true));
    },
  };
}
