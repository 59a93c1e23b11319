// The world in which every client lives the borrower's story: a dollar with a vault of lenders,
// the wrapped native coin as collateral, and a market between them. Governance builds it.
// `node world.mjs URL` builds it and prints it, for clients in other languages.

import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { createClient, defineChain, http, pad, publicActions, toHex, walletActions } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { abis, rpc } from './devnode.mjs'

const bigints = (record) =>
  Object.fromEntries(Object.entries(record).map(([k, v]) => [k, BigInt(v)]))
const told = JSON.parse(readFileSync(new URL('./story.json', import.meta.url), 'utf8'))

/** What every client's story agrees on. */
export const story = { ...told, units: bigints(told.units), wads: bigints(told.wads) }

/** A dev account of the story, as a viem local account. */
export const actor = (name) =>
  mnemonicToAccount(story.mnemonic, { addressIndex: story.actors[name] })

/** Its private key, for clients that take one. */
export const privateKey = (name) => toHex(actor(name).getHdKey().privateKey)

const native = (kind) => `0x67616765${kind}${'00'.repeat(15)}`
export const REGISTRY = native('01')
export const ORACLE = native('02')
export const MARKET = native('03')

/** A viem client over HTTP, reading and signing for one account. */
export async function wallet(url, account) {
  const id = Number(await rpc(url, 'eth_chainId'))
  const chain = defineChain({
    id,
    name: 'Gage dev',
    nativeCurrency: { name: 'Coin', symbol: 'COIN', decimals: 18 },
    rpcUrls: { default: { http: [url] } },
  })
  return createClient({
    account,
    chain,
    transport: http(url, { retryCount: 0 }),
    pollingInterval: 50,
  })
    .extend(publicActions)
    .extend(walletActions)
}

/** The oracle's EIP-712 domain. */
export const oracleDomain = (chainId) => ({
  name: 'Gage Oracle',
  version: '1',
  chainId,
  verifyingContract: ORACLE,
})

/** A signature's parts as the oracle takes them. */
export const signatureParts = (signature) => ({
  v: Number(`0x${signature.slice(130, 132)}`),
  r: signature.slice(0, 66),
  s: `0x${signature.slice(66, 130)}`,
})

/** The publisher signs the next report of each feed and hands it in; the next block applies it. */
export async function publish(url, prices) {
  const chainId = Number(await rpc(url, 'eth_chainId'))
  const reader = await wallet(url, actor('publisher'))
  const { timestamp } = await reader.getBlock()
  const reports = []
  for (const [feed, price] of prices) {
    // The publisher is the feed's only source: each of its reports is a price.
    const { rounds } = await reader.readContract({
      address: ORACLE,
      abi: abi().oracle,
      functionName: 'feedState',
      args: [feed],
    })
    const report = { feed, round: BigInt(rounds) + 1n, time: timestamp, price, confidence: 0n }
    const signature = await actor('publisher').signTypedData({
      domain: oracleDomain(chainId),
      types: { PriceReport: story.types.PriceReport },
      primaryType: 'PriceReport',
      message: report,
    })
    reports.push(signedReport(report, signature))
  }
  await rpc(url, 'gage_submitReports', reports)
  await rpc(url, 'evm_mine')
}

/** A report as `gage_submitReports` takes it: whole numbers as decimal strings. */
export const signedReport = ({ feed, round, time, price, confidence }, signature) => ({
  report: {
    feed,
    round: Number(round),
    time: Number(time),
    price: price.toString(),
    confidence: confidence.toString(),
  },
  ...signatureParts(signature),
})

let loaded
/** The node's ABIs, asked for once. */
export const abi = () => (loaded ??= abis())

/** Terms of a feed that believes one source at once. */
export const terms = (maxAge) => ({
  maxAge,
  priceMin: 1n,
  priceMax: 10n ** 30n,
  guards: {
    quorum: 1,
    outlier: 0,
    spread: 0,
    jump: 0,
    confirm: 0,
    smoothing: 0,
    budget: 0,
    window: 0,
  },
})

/** A publisher that signs with secp256k1, as a feed's source. */
export const source = (address, maxAge = 86_400) => ({
  kind: 0,
  key: pad(address),
  weight: 1,
  maxAge,
})

/** Builds the world on a fresh dev chain. */
export async function buildWorld(url) {
  const governance = await wallet(url, actor('governance'))
  const read = (address, contract, functionName, args = []) =>
    governance.readContract({ address, abi: abi()[contract], functionName, args })

  /** Sends all in one go and mines them; throws unless each succeeds. */
  async function all(calls) {
    let nonce = await governance.getTransactionCount({ address: governance.account.address })
    const hashes = []
    for (const [address, contract, functionName, args] of calls) {
      const call = { address, abi: abi()[contract], functionName, args, nonce: nonce++ }
      hashes.push(await governance.writeContract(call))
    }
    await rpc(url, 'evm_mine')
    for (const [index, hash] of hashes.entries()) {
      const receipt = await governance.waitForTransactionReceipt({ hash })
      if (receipt.status !== 'success') throw new Error(`${calls[index][2]} was refused`)
    }
  }

  const [assets, vaults, markets, feeds] = await read(REGISTRY, 'registry', 'counts')
  const market = markets + 1
  const ethFeed = feeds + 1
  const usdFeed = feeds + 2
  const { wads, units, seconds } = story
  const feedTerms = terms(seconds.maxAge)
  const marketTerms = { targetHealth: 105n * 10n ** 16n, fullBonusHealth: 90n * 10n ** 16n }
  await all([
    [REGISTRY, 'registry', 'createAsset', ['US Dollar', 'USDX', 6]],
    [MARKET, 'market', 'createMarket', [marketTerms]],
  ])

  const weth = await read(REGISTRY, 'registry', 'assetAt', [1])
  const usd = await read(REGISTRY, 'registry', 'assetAt', [assets + 1])
  await all([
    [ORACLE, 'oracle', 'createFeed', [weth, 'ETH / USD', feedTerms]],
    [ORACLE, 'oracle', 'createFeed', [usd, 'USD / USD', feedTerms]],
  ])
  const publisher = actor('publisher').address
  const capMax = 10n ** 25n
  const rates = { kind: 0, base: 100, slope1: 400, slope2: 6000, kink: 9000, rateAtTarget: 0n }
  const vaultTerms = { reserveFee: 1000, supplyCap: capMax, borrowCap: capMax, rates }
  const collateralTerms = {
    feed: ethFeed,
    ltv: 7500,
    threshold: 8000,
    bonusMin: 500,
    bonusMax: 1000,
    riskWeight: 0,
    cap: capMax,
  }
  await all([
    [REGISTRY, 'registry', 'createVault', [usd, 'Gage US Dollar', 'gUSDX', vaultTerms]],
    [ORACLE, 'oracle', 'setSource', [ethFeed, source(publisher, seconds.maxAge)]],
    [ORACLE, 'oracle', 'setSource', [usdFeed, source(publisher, seconds.maxAge)]],
    [MARKET, 'market', 'addCollateral', [market, weth, collateralTerms]],
    [usd, 'asset', 'mint', [actor('lender').address, units.lenderFunds]],
    [usd, 'asset', 'mint', [actor('liquidator').address, units.liquidatorFunds]],
    [usd, 'asset', 'mint', [actor('borrower').address, units.borrowerFunds]],
  ])

  const vault = await read(REGISTRY, 'registry', 'vaultAt', [vaults + 1])
  await all([[MARKET, 'market', 'listVault', [market, vault, usdFeed, units.minDebt]]])
  await all([[vault, 'vault', 'setLineCap', [market, capMax]]])
  await publish(url, [
    [ethFeed, wads.ethBefore],
    [usdFeed, wads.dollar],
  ])
  return { market, ethFeed, usdFeed, weth, usd, vault }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(JSON.stringify(await buildWorld(process.argv[2])))
}
