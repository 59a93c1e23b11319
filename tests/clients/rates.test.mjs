// Interest rates through viem: the curve that a contract reads is the one that the node tells.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { encodeFunctionData, parseAbi } from 'viem'
import { actingIn } from './acting.mjs'
import { passTime, startNode } from './devnode.mjs'
import { actor, buildWorld, story, wallet } from './world.mjs'

const { units } = story
const USD = 10n ** 6n
const WAD = 10n ** 18n
const DAY = 86_400
const CURVE = parseAbi(['function rateCurve(uint16 intervals)'])

describe('viem: the rate curve', () => {
  let node, world, lender, borrower
  let read, act
  before(async () => {
    node = await startNode()
    world = await buildWorld(node.url)
    ;[lender, borrower] = await Promise.all(
      ['lender', 'borrower'].map((name) => wallet(node.url, actor(name))),
    )
    ;({ read, act } = actingIn(world, borrower))
    await act(lender, 'vault', 'deposit', [units.deposit, lender.account.address])
    const me = borrower.account.address
    await act(borrower, 'weth', 'deposit', [], { value: units.collateral })
    await act(borrower, 'market', 'supplyCollateral', [world.market, me, 0, world.weth, units.collateral])
    await act(borrower, 'market', 'borrow', [world.market, 0, world.vault, 11_000n * USD, me])
  })
  after(() => node?.stop())

  const told = () => borrower.request({ method: 'gage_rates', params: [world.vault, 10] })
  const raw = (point) => ['utilisation', 'borrowRate', 'supplyRate'].map((name) => point[name].raw)

  test('contract and node tell one curve', async () => {
    const points = await read('vault', 'rateCurve', 10)
    const { curve, now, bend } = await told()
    const numbers = (point) => [point.utilisation, point.borrowRate, point.supplyRate].map(String)
    assert.deepEqual(points.map(numbers), curve.map(raw))
    assert.ok(curve.some((point) => point.utilisation.raw === bend.raw))
    const state = await read('vault', 'state')
    assert.equal(now.borrowRate.raw, String(state.borrowRate))
    const [full] = await read('vault', 'rateAt', 2n * WAD)
    assert.equal(full, points.at(-1).borrowRate)
    assert.ok(Number(now.borrowApy.formatted.split(' ')[0]) >= Number(now.borrowRate.formatted.split(' ')[0]))
  })

  test('an adaptive model is where it was said to be', async () => {
    const rates = { kind: 1, base: 0, slope1: 0, slope2: 0, kink: 0, rateAtTarget: (4n * 10n ** 25n) / 31_536_000n }
    const curator = await wallet(node.url, actor('governance'))
    await act(curator, 'vault', 'setRates', [rates])
    const [ahead] = await read('vault', 'ratesAfter', BigInt(DAY))
    const before = await told()
    assert.equal(before.bend.formatted, '90 %')
    assert.ok(before.drift.nextDay.rateAtTarget.formatted < before.drift.nextHour.rateAtTarget.formatted)
    await passTime(node.url, DAY)
    await act(lender, 'vault', 'accrue', [])
    const after = (await read('vault', 'state')).rates.rateAtTarget
    const off = after > ahead.rateAtTarget ? after - ahead.rateAtTarget : ahead.rateAtTarget - after
    // A few seconds more than a day passed.
    assert.ok(off * 1_000n < after, `${after} ${ahead.rateAtTarget}`)
  })

  test('too fine a curve is refused', async () => {
    for (const intervals of [0, 101]) {
      const params = [{ to: world.vault, data: encodeFunctionData({ abi: CURVE, args: [intervals] }) }, 'latest']
      await assert.rejects(borrower.request({ method: 'eth_call', params }), /intervals|revert/)
    }
  })
})
