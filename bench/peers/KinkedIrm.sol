// SPDX-License-Identifier: MIT
pragma solidity ^0.8.0;

import {MarketParams, Market} from "CurveIrm.sol";

/// Two straight lines that meet at the kink, as a rate model of Morpho's: utilisation rounded up, the rate down to
/// a whole 1e-18 a second. Parameters in basis points.
contract KinkedIrm {
    uint256 private constant WAD = 1e18;
    /// One basis point of a ray.
    uint256 private constant POINT = 1e23;

    uint256 private immutable base;
    uint256 private immutable slope1;
    uint256 private immutable slope2;
    uint256 private immutable kink;

    constructor(uint256 base_, uint256 slope1_, uint256 slope2_, uint256 kink_) {
        (base, slope1, slope2) = (base_ * POINT, slope1_ * POINT, slope2_ * POINT);
        kink = kink_ * 1e14;
    }

    function borrowRateView(MarketParams memory, Market memory market) public view returns (uint256) {
        uint256 all = market.totalSupplyAssets;
        uint256 used = all == 0 ? 0 : (market.totalBorrowAssets * WAD + all - 1) / all;
        if (used > WAD) used = WAD;
        uint256 perYear = used < kink
            ? base + slope1 * used / kink
            : base + slope1 + slope2 * (used - kink) / (WAD - kink);
        return perYear / 365 days / 1e9;
    }

    function borrowRate(MarketParams memory params, Market memory market) external view returns (uint256) {
        return borrowRateView(params, market);
    }
}
