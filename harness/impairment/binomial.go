package impairment

import (
	"math"

	"github.com/onebar/onebar/harness"
)

// implausible reports whether k lost of n packets is outside the two-sided
// interval in which 1-alpha of all experiments lie if packets are lost independently
// with probability p: the exact binomial tail on k's side of the mean is below alpha/2.
func implausible(k, n int64, p, alpha float64) bool {
	switch {
	case n <= 0:
		return false
	case p <= 0:
		return k > 0
	case p >= 1:
		return k < n
	}
	return tail(k, n, p) < alpha/2
}

// tail returns P(X >= k) if k is above the mean of X ~ Binomial(n, p), else
// P(X <= k). It sums from k away from the mean, where the terms only shrink, by
// the ratio of neighbours: P(i+1)/P(i) = (n-i)/(i+1) · p/(1-p).
func tail(k, n int64, p float64) float64 {
	odds := p / (1 - p)
	term := math.Exp(logChoose(n, k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
	sum := term
	up := float64(k) > float64(n)*p
	for i := k; term > sum*1e-15; {
		if up {
			term *= float64(n-i) / float64(i+1) * odds
			i++
		} else {
			term *= float64(i) / float64(n-i+1) / odds
			i--
		}
		sum += term
	}
	return sum
}

func logChoose(n, k int64) float64 {
	lg := func(x int64) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
	return lg(n) - lg(k) - lg(n-k)
}

// clumping returns how many times larger the variance of the number of lost packets is
// than with independent losses, at least 1. For the stationary
// two-state chain of Gilbert and Elliott, whose states are correlated by
// λ = 1-p-r from packet to packet, it tends to
//
//	1 + 2·π(1-π)·(b-g)² / (μ(1-μ)) · λ/(1-λ)
//
// with π the share of the bad state, b and g the loss in the bad and the good
// one, and μ the mean loss; see Hasslinger and Hohlfeld, "The Gilbert-Elliott
// Model for Packet Loss in Real Time Services on the Internet", 2008.
func clumping(l harness.Loss) float64 {
	mean := l.Mean()
	if l.GE == nil || l.GE.P+l.GE.R <= 0 || mean <= 0 || mean >= 1 {
		return 1
	}
	bad := l.GE.P / (l.GE.P + l.GE.R)
	lambda := 1 - l.GE.P - l.GE.R
	step := l.GE.LossBad - l.GE.LossGood
	return max(1, 1+2*bad*(1-bad)*step*step/(mean*(1-mean))*lambda/(1-lambda))
}
