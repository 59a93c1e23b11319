// Transactions that no pool may take, or must hold back.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  decodeErrorResult,
  encodeFunctionData,
  maxUint256,
  parseEther,
  parseGwei,
  parseTransaction,
  serializeTransaction,
  toHex,
} from 'viem'
import { eventually, post, rpc } from './devnode.mjs'
import { NOBODY, chainId, node, reader, refused, watch } from './unharmed.mjs'
import { ORACLE, abi, actor } from './world.mjs'

const SYSTEM = '0xfffffffffffffffffffffffffffffffffffffffe'

watch()

describe('bad transactions', () => {
  const fees = { maxFeePerGas: parseGwei('50'), maxPriorityFeePerGas: parseGwei('1') }
  const to = NOBODY

  async function sign(name, fields) {
    const nonce = await reader.getTransactionCount({ address: actor(name).address })
    const transaction = { chainId, to, nonce, gas: 21_000n, value: 1n, ...fees, ...fields }
    return actor(name).signTransaction(transaction)
  }
  const submit = (raw) => refused('eth_sendRawTransaction', raw)

  test('bytes that are no transaction', async () => {
    for (const raw of [
      '0x',
      '0x00',
      '0x02',
      `0x02${'ff'.repeat(50)}`,
      `0x${'c0'.repeat(3)}`,
      '0x7fc0',
    ]) {
      assert.ok((await submit(raw)).code <= -32000, raw)
    }
  })

  test('a bad signature', async () => {
    const transaction = { type: 'eip1559', chainId, to, nonce: 0, gas: 21_000n, value: 1n, ...fees }
    const valid = parseTransaction(await actor('delegator').signTransaction(transaction))
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const word = (number) => toHex(number, { size: 32 })
    const { r, s, yParity } = valid
    const forged = [
      { r: word(order), s, yParity },
      { r, s: word(order), yParity },
      { r, s: word(order - BigInt(s)), yParity: 1 - yParity }, // the same key's other signature
      { r: word(1n), s: word(0n), yParity },
    ]
    for (const signature of forged) {
      const { message } = await submit(serializeTransaction(transaction, signature))
      assert.match(message, /signature|sender/i)
    }
  })

  test('a made-up prelude', async () => {
    // The exact shape of a block's prelude: legacy, free, signed with zeros.
    const head = await reader.getBlock({ includeTransactions: true })
    const [prelude] = head.transactions
    assert.equal(prelude.from, SYSTEM)
    const raw = await rpc(node.url, 'eth_getRawTransactionByHash', prelude.hash).catch(
      () => undefined,
    )
    if (raw) assert.ok((await submit(raw)).code <= -32000)
    const data = encodeFunctionData({ abi: abi().oracle, functionName: 'prelude', args: [[], []] })
    const error = await refused(
      'eth_call',
      { from: actor('spender').address, to: ORACLE, data },
      'latest',
    )
    assert.equal(decodeErrorResult({ abi: abi().errors, data: error.data }).errorName, 'SystemOnly')
  })

  test('a wrong chain', async () => {
    assert.match((await submit(await sign('spender', { chainId: chainId + 1 }))).message, /chain/i)
  })

  test('a nonce that is used', async () => {
    assert.match((await submit(await sign('lender', { nonce: 0 }))).message, /nonce too low/)
  })

  test('a nonce gap is held until it is filled; replacing it costs a tenth more', async () => {
    const nonce = await reader.getTransactionCount({ address: actor('delegator').address })
    const ahead = await sign('delegator', { nonce: nonce + 1 })
    const hash = await rpc(node.url, 'eth_sendRawTransaction', ahead)
    await rpc(node.url, 'evm_mine')
    assert.equal(await rpc(node.url, 'eth_getTransactionReceipt', hash), null)
    assert.equal((await rpc(node.url, 'eth_getTransactionByHash', hash)).blockNumber, null)
    assert.equal(Number((await rpc(node.url, 'txpool_status')).queued), 1)

    assert.match((await submit(ahead)).message, /already known/)
    const same = { nonce: nonce + 1, value: 2n }
    assert.match(
      (await submit(await sign('delegator', same))).message,
      /replacement transaction underpriced/,
    )
    const little = { maxFeePerGas: parseGwei('51'), maxPriorityFeePerGas: parseGwei('1') + 1n }
    assert.match(
      (await submit(await sign('delegator', { ...same, ...little }))).message,
      /replacement transaction underpriced/,
    )
    const enough = { maxFeePerGas: parseGwei('55'), maxPriorityFeePerGas: parseGwei('1.1') }
    const replacement = await sign('delegator', { ...same, ...enough })
    const replaced = await rpc(node.url, 'eth_sendRawTransaction', replacement)

    await rpc(node.url, 'eth_sendRawTransaction', await sign('delegator', { nonce }))
    await eventually(async () => {
      await rpc(node.url, 'evm_mine')
      return (await rpc(node.url, 'eth_getTransactionReceipt', replaced)) !== null
    })
    assert.equal(await rpc(node.url, 'eth_getTransactionByHash', hash), null)
    assert.equal(
      await reader.getTransactionCount({ address: actor('delegator').address }),
      nonce + 2,
    )
  })

  test('more than the sender has', async () => {
    const error = await submit(await sign('spender', { value: parseEther('1000000') }))
    assert.match(error.message, /insufficient funds/)
    const broke = await submit(
      await sign('spender', { maxFeePerGas: parseEther('1'), gas: 1_000_000n }),
    )
    assert.match(broke.message, /insufficient funds/)
    await submit(await sign('spender', { value: maxUint256 }))
  })

  test('gas that is too little or too much', async () => {
    assert.match((await submit(await sign('spender', { gas: 20_999n }))).message, /intrinsic gas/)
    const { gasLimit } = await reader.getBlock()
    assert.match((await submit(await sign('spender', { gas: gasLimit + 1n }))).message, /gas limit/)
    // viem signs no tip above the fee, so the two single bytes are swapped after the fact.
    const raw = await sign('spender', { maxFeePerGas: 2n, maxPriorityFeePerGas: 1n })
    assert.ok(raw.includes('0102825208'), 'the two fees stand before the gas limit')
    assert.ok((await submit(raw.replace('0102825208', '0201825208'))).code <= -32000)
  })

  test('a fee below the base fee', async () => {
    const offer = maxFeePerGas => sign('liquidator', { maxFeePerGas, maxPriorityFeePerGas: 0n })
    assert.match((await submit(await offer(0n))).message, /underpriced/)
    // The base fee may come down to it: held, and not mined until then.
    const hash = await rpc(node.url, 'eth_sendRawTransaction', await offer(7n))
    await rpc(node.url, 'evm_mine')
    assert.equal(await rpc(node.url, 'eth_getTransactionReceipt', hash), null)
  })

  test('oversize calldata and init code', async () => {
    const big = await sign('spender', { data: `0x${'00'.repeat(200_000)}`, gas: 10_000_000n })
    assert.match((await submit(big)).message, /oversized|too large|size/i)
    const init = await sign('spender', {
      to: undefined,
      data: `0x${'00'.repeat(49_153)}`,
      gas: 10_000_000n,
    })
    assert.match((await submit(init)).message, /init ?code/i)
  })

  test('a blob transaction', async () => {
    // Type 3, otherwise nonsense: the type alone is reason enough.
    assert.ok((await submit(`0x03${'c0'.repeat(1)}`)).code <= -32000)
    const unsigned = {
      type: 'eip4844',
      maxFeePerBlobGas: 1n,
      blobVersionedHashes: [`0x01${'11'.repeat(31)}`],
    }
    assert.ok((await submit(await sign('spender', unsigned))).code <= -32000)
  })
})
