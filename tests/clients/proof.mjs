// Checks an `eth_getProof` answer against a state root: a walk down the Merkle-Patricia trie.

import { fromRlp, keccak256 } from 'viem'

const nibbles = (hex) => [...hex.slice(2)].map((digit) => parseInt(digit, 16))

/** The RLP value that `proof` shows under `keccak256(key)`, or undefined if it shows none. */
export function provenValue(root, key, proof) {
  const encoded = new Map(proof.map((node) => [keccak256(node), node]))
  let path = nibbles(keccak256(key))
  let node = load(encoded, root)
  for (;;) {
    if (node.length === 17) {
      const child = path.length === 0 ? node[16] : node[path[0]]
      if (path.length === 0) return child
      if (child === '0x') return undefined
      path = path.slice(1)
      node = Array.isArray(child) ? child : load(encoded, child)
      continue
    }
    const [flag, ...rest] = nibbles(node[0])
    const segment = flag % 2 === 1 ? rest : rest.slice(1)
    if (!segment.every((nibble, index) => nibble === path[index])) return undefined
    path = path.slice(segment.length)
    if (flag >= 2) return path.length === 0 ? node[1] : undefined
    node = Array.isArray(node[1]) ? node[1] : load(encoded, node[1])
  }
}

function load(encoded, hash) {
  const node = encoded.get(hash)
  if (!node) throw new Error(`the proof lacks the node ${hash}`)
  return fromRlp(node)
}
