// Reading, sending and being refused through viem, on the world of `world.mjs`.

import assert from 'node:assert/strict'
import { BaseError, ContractFunctionRevertedError, parseEventLogs } from 'viem'
import { MARKET, abi } from './world.mjs'

/** Shorthands for the world's contracts; `reader` is any wallet. */
export function actingIn(world, reader) {
  const at = {
    usd: () => ({ address: world.usd, abi: abi().asset }),
    weth: () => ({ address: world.weth, abi: abi().asset }),
    vault: () => ({ address: world.vault, abi: abi().vault }),
    // The token of the places in the vault's exit queue: kind 06, the vault's number.
    exit: () => ({ address: world.vault.replace(/^0x6761676504/, '0x6761676506'), abi: abi().exit }),
    market: () => ({ address: MARKET, abi: abi().market }),
  }
  const read = (contract, functionName, ...args) =>
    reader.readContract({ ...at[contract](), functionName, args })
  const held = (contract, client) => read(contract, 'balanceOf', client.account.address)

  /** Simulates, sends, waits: the receipt and its decoded events. */
  async function act(client, contract, functionName, args, options = {}) {
    const call = { ...at[contract](), functionName, args, ...options }
    const { request, result } = await client.simulateContract(call)
    const hash = await client.writeContract(request)
    const receipt = await client.waitForTransactionReceipt({ hash })
    assert.equal(receipt.status, 'success', functionName)
    const events = parseEventLogs({ abi: call.abi, logs: receipt.logs })
    return { receipt, result, event: (name) => events.find((e) => e.eventName === name)?.args }
  }

  /** The custom error that a simulation meets: [name, args]. */
  async function refusal(client, contract, functionName, args) {
    try {
      await client.simulateContract({ ...at[contract](), functionName, args })
    } catch (error) {
      assert.ok(error instanceof BaseError, String(error))
      const revert = error.walk((cause) => cause instanceof ContractFunctionRevertedError)
      assert.ok(revert?.data, `no decoded error in: ${error.message}`)
      return [revert.data.errorName, revert.data.args ?? []]
    }
    assert.fail(`${functionName} was not refused`)
  }

  return { at, read, held, act, refusal }
}
