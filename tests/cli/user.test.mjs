// What a user can do with `gage` alone, on the demo world: and what it says to nonsense.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startNode } from '../clients/devnode.mjs'
import { actor, privateKey } from '../clients/world.mjs'
import { typing } from './command.mjs'

const who = (name) => ({ address: actor(name).address, key: privateKey(name) })
const USER = who('lender')
const BORROWER = who('borrower')
const PUBLISHER = who('publisher')
const GOVERNANCE = who('governance')

describe('gage, as its users type it', () => {
  let node
  before(async () => {
    node = await startNode(['dev', '--ephemeral', '--no-live', '--block-time', '0.2'])
  })
  after(() => node?.stop())

  const { done, json, refused } = typing(() => node)

  const accountOf = async (who) => (await json(null, 'account', who.address)).accounts[0]

  test('markets, vaults and feeds are listed, for people and machines', async () => {
    assert.match(await done(null, 'markets'), /WETH/)
    assert.match(await done(null, 'vaults'), /gUSDC/)
    assert.match(await done(null, 'feeds'), /live/)
    // A staked coin's price is computed: its rate, which is capped in growth, times ether's price.
    const feeds = await json(null, 'feeds')
    const named = (description) => feeds.find((feed) => feed.description === description)
    const [rate, price, ether] = ['wstETH / WETH', 'wstETH / USD', 'WETH / USD'].map(named)
    assert.deepEqual([price.kind, price.base, price.other], ['product', ether.id, rate.id])
    assert.equal(rate.kind, 'rate')
    const number = (shown) => Number(shown.formatted)
    assert.ok(number(rate.growthCap.limit) >= number(rate.price) && number(rate.price) > 1)
    const ratio = number(price.price) / number(ether.price) / number(rate.price)
    assert.ok(Math.abs(ratio - 1) < 1e-9, `${ratio}`)
    assert.match(await done(null, 'feeds'), new RegExp(`feed ${ether.id} × feed ${rate.id}`))
    const [main] = await json(null, 'markets')
    const weth = main.collaterals.find((one) => one.symbol === 'WETH')
    assert.ok(weth.ltvBps > 5000 && weth.thresholdBps > weth.ltvBps)
    const vaults = await json(null, 'vaults')
    const usdc = vaults.find((vault) => vault.symbol === 'gUSDC')
    assert.equal(usdc.asset.decimals, 6)
    assert.ok(Number(usdc.cash) > 1_000_000)
  })

  test('supply, borrow, repay, withdraw', async () => {
    await done(BORROWER, 'supply', 'WETH', '2')
    await done(BORROWER, 'borrow', 'USDC', '1000')
    const account = await accountOf(BORROWER)
    assert.equal(account.collaterals[0].amount, '2')
    assert.equal(Math.floor(Number(account.debts[0].amount)), 1000)
    assert.ok(Number(account.healthFactor) > 1)
    assert.match(await done(BORROWER, 'explain'), /Health/)
    assert.match(await done(null, 'account', BORROWER.address), /USDC/)

    await done(BORROWER, 'repay', 'USDC', '400.5')
    assert.equal(Math.floor(Number((await accountOf(BORROWER)).debts[0].amount)), 599)
    await done(BORROWER, 'repay', 'USDC', 'all')
    assert.deepEqual((await accountOf(BORROWER)).debts, [])
    await done(BORROWER, 'withdraw', 'WETH', 'max')
    assert.deepEqual((await json(null, 'account', BORROWER.address)).accounts, [])
  })

  test('riskier collateral pays a premium, until it is refreshed away', async () => {
    const isolated = ['--market', '2']
    await refused(BORROWER, 'refresh --market 2', /NoDebt/)
    await done(BORROWER, 'supply', 'SOL', '100', ...isolated)
    await done(BORROWER, 'borrow', 'USDC', '2000', ...isolated)
    const [account] = (await json(null, 'account', BORROWER.address)).accounts
    assert.equal(account.riskPremiumBps, 1500, JSON.stringify(account))
    assert.match(await done(BORROWER, 'explain', ...isolated), /Risk premium\s+15/)
    // Nothing has changed, and anyone may ask.
    assert.match(await done(USER, 'refresh', BORROWER.address, ...isolated), /stays 15/)
    await done(BORROWER, 'repay', 'USDC', 'all', ...isolated)
    await done(BORROWER, 'withdraw', 'SOL', 'max', ...isolated)
  })

  test('deposit, redeem, wrap, send', async () => {
    const receipt = await json(USER, 'deposit', 'USDC', '500')
    assert.match(JSON.stringify(receipt), /0x[0-9a-f]{64}/, 'the transaction is told')
    const lent = (await json(null, 'account', USER.address)).holds.find((one) =>
      /gUSDC/.test(one.token),
    )
    assert.ok(lent, 'the shares are held')
    await done(USER, 'redeem', 'USDC', 'max')
    await done(USER, 'wrap', '1.5')
    await done(USER, 'unwrap', 'max')
    await done(USER, 'send', BORROWER.address, '1')
    await done(USER, 'send', BORROWER.address, '25', '--asset', 'USDC')
    await done(null, 'faucet', BORROWER.address, '5')
  })

  test('a price fall, and a liquidation', async () => {
    await done(BORROWER, 'supply', 'WETH', '2')
    const { borrowLimit } = await accountOf(BORROWER)
    await done(BORROWER, 'borrow', 'USDC', String(Math.floor(Number(borrowLimit) * 0.99)))
    await refused(USER, `liquidate ${BORROWER.address} USDC WETH`, /Healthy/)
    const feeds = await json(null, 'feeds')
    const eth = feeds.find((feed) => /^W?ETH/.test(feed.description))
    await done(PUBLISHER, 'price', String(eth.id), String(Number(eth.price.formatted) * 0.93))
    const before = await accountOf(BORROWER)
    assert.ok(Number(before.healthFactor) < 1, before.healthFactor)
    await done(USER, 'liquidate', BORROWER.address, 'USDC', 'WETH')
    const after = await accountOf(BORROWER)
    assert.ok(Number(after.healthFactor) > 1, after.healthFactor)
    assert.ok(Number(after.debts[0].amount) < Number(before.debts[0].amount))
  })

  test('what the protocol refuses is explained', async () => {
    await refused(USER, 'borrow USDC 1000', /AboveLimit/)
    await refused(USER, 'deposit USDC 99999999999', /ERC4626ExceededMaxDeposit/)
    await refused(USER, 'withdraw WETH 1', /InsufficientCollateral/)
    await refused(USER, 'deposit USDC 900000000', /ERC20InsufficientBalance/)
    await refused(USER, 'borrow USDC 1000 --market 77', /UnknownMarket|no market/i)
    await refused(USER, 'price WETH 1', /UnknownPublisher/)
    await refused(USER, `liquidate ${GOVERNANCE.address} USDC WETH`, /Healthy|NoDebt/)
  })

  test('nonsense is refused before anything is sent', async () => {
    await refused(USER, 'dance', /dance/)
    await refused(USER, '', /Usage/)
    await refused(USER, 'borrow', /required/)
    for (const amount of ['many', '1.5.2', '0x10', '1e9', '-5', '1.0000001', '9'.repeat(60)]) {
      await refused(USER, `borrow USDC ${amount}`, /number|decimals|large|argument/i)
    }
    await refused(USER, 'borrow USDC 0', /zero|ZeroAmount|0/i)
    await refused(USER, 'borrow BEANS 5', /BEANS/)
    await refused(USER, 'supply BEANS 5', /BEANS/)
    await refused(null, 'account nobody', /nobody/)
    await refused(null, 'account 0x12', /0x12/)
    await refused(null, 'borrow USDC 5', /private-key|GAGE_PRIVATE_KEY/)
    await refused(null, 'borrow USDC 5 --private-key 0x12', /private key/)
    await refused(USER, 'send nobody 5', /nobody/)
    await refused(USER, 'supply WETH 5 --market main', /main/)
    await refused(USER, 'markets --rpc-url http://127.0.0.1:9', /127\.0\.0\.1:9/)
    await refused(USER, 'markets --rpc-url nonsense', /nonsense/)
  })

  test('the node outlived it all', async () => {
    assert.ok(node.alive())
    assert.equal((await node.stop()).code, 0)
  })
})
