// The start of `epbook.two_layer(1, m, std=std, seed=seed)`: PyTorch's Mersenne twister and its normal numbers.
function uniforms(seed) {
  const state = new Uint32Array(624);
  let at = 624;
  state[0] = seed;
  for (let i = 1; i < 624; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  const word = () => {
    if (at === 624) {
      for (let i = 0; i < 624; i++) {
        const mixed = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
        state[i] = state[(i + 397) % 624] ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
      }
      at = 0;
    }
    let bits = state[at++];
    bits ^= bits >>> 11;
    bits ^= (bits << 7) & 0x9d2c5680;
    bits ^= (bits << 15) & 0xefc60000;
    return (bits ^ (bits >>> 18)) >>> 0;
  };
  return () => {  // the low 53 of 64 bits
    const high = word(), low = word();
    return ((high & 0x1fffff) * 4294967296 + low) * 2 ** -53;
  };
}

// Box and Muller's pairs: one by one below 16 numbers, in two halves of 16 above, as PyTorch fills a tensor.
function normals(uniform) {
  let spare = null;
  const single = () => {
    if (spare !== null) {
      const kept = spare;
      spare = null;
      return kept;
    }
    const angle = 2 * Math.PI * uniform(), radius = Math.sqrt(-2 * Math.log1p(-uniform()));
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  const sixteen = (z, first) => {
    for (let j = first; j < first + 8; j++) {
      const radius = Math.sqrt(-2 * Math.log(1 - z[j])), angle = 2 * Math.PI * z[j + 8];
      z[j] = radius * Math.cos(angle);
      z[j + 8] = radius * Math.sin(angle);
    }
  };
  return count => {
    if (count < 16) return Float64Array.from({ length: count }, single);
    const z = Float64Array.from({ length: count }, uniform);
    for (let first = 0; first + 15 < count; first += 16) sixteen(z, first);
    if (count % 16) {  // the last sixteen are drawn once more
      for (let i = count - 16; i < count; i++) z[i] = uniform();
      sixteen(z, count - 16);
    }
    return z;
  };
}

export function start(m, std, seed) {
  const draw = normals(uniforms(seed >>> 0));
  return { hidden: draw(2 * m).map(v => std * v), out: draw(m).map(v => std * v) };
}
