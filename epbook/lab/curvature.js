// Loss, gradient and Hessian of a tanh net with one input and one output, and the Hessian's eigenvectors.
// A point is {hidden: [w_1, b_1, …], out: [a_1, …]}; derivatives are in this order.
export function derivatives({ hidden, out }, x, y) {
  const m = out.length, size = 3 * m, n = x.length;
  const gradient = new Float64Array(size), hessian = Array.from({ length: size }, () => new Float64Array(size));
  let loss = 0;
  for (let i = 0; i < n; i++) {
    const value = out.map((_, j) => Math.tanh(hidden[2 * j] * x[i] + hidden[2 * j + 1]));
    const slope = value.map(t => 1 - t * t), slopes = new Float64Array(size);
    const r = out.reduce((sum, a, j) => sum + a * value[j], -y[i]);
    loss += r * r / n;
    for (let j = 0; j < m; j++) {
      slopes[2 * j] = out[j] * slope[j] * x[i];
      slopes[2 * j + 1] = out[j] * slope[j];
      slopes[2 * m + j] = value[j];
      const bend = 2 / n * r * out[j] * -2 * value[j] * slope[j], lean = 2 / n * r * slope[j], input = [x[i], 1];
      for (const p of [0, 1]) {
        for (const q of [0, 1]) hessian[2 * j + p][2 * j + q] += bend * input[p] * input[q];
        hessian[2 * j + p][2 * m + j] += lean * input[p];
        hessian[2 * m + j][2 * j + p] += lean * input[p];
      }
    }
    for (let p = 0; p < size; p++) {
      gradient[p] += 2 / n * r * slopes[p];
      for (let q = 0; q < size; q++) hessian[p][q] += 2 / n * slopes[p] * slopes[q];
    }
  }
  return { loss, gradient, hessian };
}

// Jacobi's rotations: [{value, vector}] by ascending value.
export function eigen(matrix) {
  const A = matrix.map(row => [...row]), k = A.length, V = A.map((_, i) => A.map((_, j) => Number(i === j)));
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0, all = 0;
    for (let p = 0; p < k; p++) for (let q = 0; q < k; q++) { all += A[p][q] ** 2; if (p !== q) off += A[p][q] ** 2; }
    if (off <= 1e-32 * all) break;
    for (let p = 0; p < k; p++) for (let q = p + 1; q < k; q++) {
      if (A[p][q] === 0) continue;
      const angle = 0.5 * Math.atan2(2 * A[p][q], A[q][q] - A[p][p]), c = Math.cos(angle), s = Math.sin(angle);
      for (let i = 0; i < k; i++) [A[i][p], A[i][q]] = [c * A[i][p] - s * A[i][q], s * A[i][p] + c * A[i][q]];
      for (let i = 0; i < k; i++) {
        [A[p][i], A[q][i]] = [c * A[p][i] - s * A[q][i], s * A[p][i] + c * A[q][i]];
        [V[i][p], V[i][q]] = [c * V[i][p] - s * V[i][q], s * V[i][p] + c * V[i][q]];
      }
    }
  }
  return A.map((row, i) => ({ value: row[i], vector: V.map(each => each[i]) })).sort((a, b) => a.value - b.value);
}
