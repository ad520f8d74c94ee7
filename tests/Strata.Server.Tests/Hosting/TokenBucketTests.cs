using Strata.Testing;
using Xunit;

namespace Strata.Server.Tests;

public sealed class TokenBucketTests
{
    private readonly FakeClock _clock = new();

    [Fact]
    public void A_bucket_is_full_at_first_and_refilled_evenly()
    {
        TokenBuckets buckets = Buckets(tokens: 10, seconds: 60);
        Assert.Equal(10, Taken(buckets, "a"));
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(0, Taken(buckets, "a"));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, Taken(buckets, "a"));
        _clock.Advance(TimeSpan.FromSeconds(18));
        Assert.Equal(3, Taken(buckets, "a"));
        _clock.Advance(TimeSpan.FromDays(1000));
        Assert.Equal(10, Taken(buckets, "a"));
    }

    [Fact]
    public void Each_name_has_a_bucket_of_its_own()
    {
        TokenBuckets buckets = Buckets(tokens: 1);
        Assert.Equal(1, Taken(buckets, "a"));
        Assert.Equal(1, Taken(buckets, "b"));
        Assert.Equal(0, Taken(buckets, "a"));
    }

    [Fact]
    public void A_token_that_was_taken_for_nothing_is_given_back_but_none_beyond_what_a_bucket_holds()
    {
        TokenBuckets buckets = Buckets(tokens: 2, names: 1);
        Assert.Equal(2, Taken(buckets, "a"));
        buckets.GiveBack("a");
        Assert.Equal(1, Taken(buckets, "a"));
        for (int n = 0; n < 5; n++) buckets.GiveBack("a");
        Assert.Equal(2, Taken(buckets, "a"));

        Assert.Equal(2, Taken(buckets, "of those that share"));
        buckets.GiveBack("of those that share");
        Assert.Equal(1, Taken(buckets, "another of those"));
    }

    [Fact]
    public void Buckets_are_bounded_and_newcomers_share_one_until_others_are_full_again()
    {
        TokenBuckets buckets = Buckets(tokens: 1, names: 100);
        for (int n = 0; n < 100; n++) Assert.True(buckets.TryTake($"{n}"));
        int taken = Enumerable.Range(100, 9900).Count(n => buckets.TryTake($"{n}"));
        Assert.Equal(100, buckets.Count);
        Assert.True(taken == 1, $"{taken} newcomers beyond the bound had tokens of their own: the bound limits nobody");
        Assert.False(buckets.TryTake("0"), "an old bucket was lost to newcomers");

        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(buckets.TryTake("a newcomer"));
        Assert.Equal(1, buckets.Count);
    }

    [Fact]
    public void Whether_a_bucket_is_empty_is_seen_without_making_one_and_full_ones_are_dropped_on_the_way()
    {
        TokenBuckets buckets = Buckets(tokens: 2, names: 1);
        Assert.False(buckets.HasRunOut("a"));
        Assert.Equal(0, buckets.Count);
        Assert.Equal(2, Taken(buckets, "a"));
        Assert.True(buckets.HasRunOut("a"));
        Assert.Equal(2, Taken(buckets, "b"));
        Assert.False(buckets.HasRunOut("b"), "who has no bucket of their own is blamed for what others did");
        _clock.Advance(TimeSpan.FromSeconds(0.5));
        Assert.False(buckets.HasRunOut("a"));
        _clock.Advance(TimeSpan.FromSeconds(0.5));
        Assert.False(buckets.HasRunOut("a"));
        Assert.Equal(0, buckets.Count);
    }

    private static int Taken(TokenBuckets buckets, string name)
    {
        int taken = 0;
        while (taken < 1000 && buckets.TryTake(name)) taken++;
        return taken;
    }

    private TokenBuckets Buckets(int tokens, int seconds = 1, int names = 1000) => new(tokens, TimeSpan.FromSeconds(seconds), names, _clock);
}
