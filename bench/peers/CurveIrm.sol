// SPDX-License-Identifier: MIT
pragma solidity ^0.8.0;

struct MarketParams {
    address loanToken;
    address collateralToken;
    address oracle;
    address irm;
    uint256 lltv;
}

struct Market {
    uint128 totalSupplyAssets;
    uint128 totalSupplyShares;
    uint128 totalBorrowAssets;
    uint128 totalBorrowShares;
    uint128 lastUpdate;
    uint128 fee;
}

/// A rate model of the adaptive curve's shape: one slot per market keeps the rate at 90 % utilisation, which drifts
/// towards the demand; the rate paid is between a quarter of it and four times it. The drift is linear where
/// Morpho's own model takes an exponential.
contract CurveIrm {
    int256 private constant WAD = 1e18;
    int256 private constant TARGET = 0.9e18;
    int256 private constant STEEPNESS = 4e18;
    int256 private constant SPEED_PER_SECOND = int256(50e18) / 365 days;
    int256 private constant RATE_INITIAL = int256(0.04e18) / 365 days;
    int256 private constant RATE_MIN = int256(0.001e18) / 365 days;
    int256 private constant RATE_MAX = int256(2e18) / 365 days;

    mapping(bytes32 => int256) public rateAtTarget;

    event BorrowRateUpdate(bytes32 indexed id, uint256 averageRate, uint256 rateAtTarget);

    function borrowRateView(MarketParams memory params, Market memory market) external view returns (uint256 rate) {
        (rate,) = next(keccak256(abi.encode(params)), market);
    }

    function borrowRate(MarketParams memory params, Market memory market) external returns (uint256) {
        bytes32 id = keccak256(abi.encode(params));
        (uint256 rate, int256 target) = next(id, market);
        rateAtTarget[id] = target;
        emit BorrowRateUpdate(id, rate, uint256(target));
        return rate;
    }

    function next(bytes32 id, Market memory market) private view returns (uint256, int256) {
        int256 supplied = int256(uint256(market.totalSupplyAssets));
        int256 utilization = supplied == 0 ? int256(0) : int256(uint256(market.totalBorrowAssets)) * WAD / supplied;
        int256 error = (utilization - TARGET) * WAD / (utilization > TARGET ? WAD - TARGET : TARGET);
        int256 start = rateAtTarget[id];
        int256 end = start == 0 ? RATE_INITIAL : start;
        if (start != 0) {
            int256 elapsed = int256(block.timestamp) - int256(uint256(market.lastUpdate));
            end += end * (SPEED_PER_SECOND * error / WAD * elapsed) / WAD;
            if (end < RATE_MIN) end = RATE_MIN;
            if (end > RATE_MAX) end = RATE_MAX;
        }
        int256 average = start == 0 ? end : (start + end) / 2;
        int256 slope = error < 0 ? WAD - WAD * WAD / STEEPNESS : STEEPNESS - WAD;
        return (uint256((slope * error / WAD + WAD) * average / WAD), end);
    }
}
