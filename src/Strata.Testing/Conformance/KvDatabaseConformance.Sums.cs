using Xunit;

namespace Strata.Testing;

/// <content>Sum, max and min count with unsigned numbers of 64 bits.</content>
public abstract partial class KvDatabaseConformance
{
    [Theory]
    [InlineData(KvMutationKind.Sum, null, 5, 5)]
    [InlineData(KvMutationKind.Sum, 0UL, 0, 0)]
    [InlineData(KvMutationKind.Sum, 3UL, 5, 8)]
    [InlineData(KvMutationKind.Sum, ulong.MaxValue, 1, 0)]
    [InlineData(KvMutationKind.Sum, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue - 1)]
    [InlineData(KvMutationKind.Sum, 5UL, ulong.MaxValue - 1, 3)]
    [InlineData(KvMutationKind.Max, null, 5, 5)]
    [InlineData(KvMutationKind.Max, null, 0, 0)]
    [InlineData(KvMutationKind.Max, 3UL, 5, 5)]
    [InlineData(KvMutationKind.Max, 5UL, 3, 5)]
    [InlineData(KvMutationKind.Max, 1UL, ulong.MaxValue, ulong.MaxValue)]
    [InlineData(KvMutationKind.Max, 1UL << 63, 1, 1UL << 63)]
    [InlineData(KvMutationKind.Min, null, 5, 5)]
    [InlineData(KvMutationKind.Min, 3UL, 5, 3)]
    [InlineData(KvMutationKind.Min, 5UL, 3, 3)]
    [InlineData(KvMutationKind.Min, ulong.MaxValue, 1, 1)]
    [InlineData(KvMutationKind.Min, 256UL, 1, 1)]
    public async Task A_number_is_counted_with(KvMutationKind kind, ulong? before, ulong by, ulong after)
    {
        if (before is { } number) await CommitAsync(KvMutation.Set(Key("n"), KvValue.OfUInt64(number)));
        Versionstamp stamp = await CommitAsync(new KvMutation { Kind = kind, Key = Key("n"), Value = KvValue.OfUInt64(by) });
        Assert.Equal(after, await NumberAsync("n"));
        Assert.Equal(stamp, await StampAsync("n"));
    }

    [Theory]
    [InlineData(KvMutationKind.Sum)]
    [InlineData(KvMutationKind.Max)]
    [InlineData(KvMutationKind.Min)]
    public async Task What_is_no_number_is_not_counted_with(KvMutationKind kind)
    {
        Versionstamp stamp = await CommitAsync(Set("bytes", "12345678"), KvMutation.Set(Key("v8"), new KvValue(Bytes(8), KvEncoding.V8)), Sum("n", 1));
        await RefusedAsync(Set("a", "1"), new KvMutation { Kind = kind, Key = Key("bytes"), Value = KvValue.OfUInt64(1) });
        await RefusedAsync(Set("a", "1"), new KvMutation { Kind = kind, Key = Key("v8"), Value = KvValue.OfUInt64(1) });
        await RefusedAsync(Set("a", "1"), new KvMutation { Kind = kind, Key = Key("n"), Value = Value("12345678") });
        await RefusedAsync(Set("a", "1"), new KvMutation { Kind = kind, Key = Key("n"), Value = new KvValue(Bytes(7), KvEncoding.Le64) });
        await RefusedAsync(Set("a", "1"), new KvMutation { Kind = kind, Key = Key("never"), Value = Value("12345678") });
        await RefusedAsync(Set("a", "1"), new KvMutation { Kind = kind, Key = Key("never") });
        Assert.All(await ListAsync(Letters("", "z")), e => Assert.Equal(stamp, e.Versionstamp));
        Assert.Equal(1UL, await NumberAsync("n"));
    }

    [Fact]
    public async Task A_number_that_expired_is_counted_from_nothing()
    {
        await CommitAsync(KvMutation.Set(Key("n"), KvValue.OfUInt64(40), After(1_000)), KvMutation.Set(Key("m"), KvValue.OfUInt64(1), After(1_000)), Set("text", "1", After(1_000)));
        Tick(1_000);
        await CommitAsync(Sum("n", 2), KvMutation.Min(Key("m"), 9), KvMutation.Max(Key("text"), 7));
        Assert.Equal(2UL, await NumberAsync("n"));
        Assert.Equal(9UL, await NumberAsync("m"));
        Assert.Equal(7UL, await NumberAsync("text"));
    }

    [Fact]
    public async Task A_sum_has_the_expiry_that_it_says()
    {
        await CommitAsync(KvMutation.Set(Key("n"), KvValue.OfUInt64(40), After(1_000)));
        await CommitAsync(Sum("n", 1));
        Tick(1_000);
        Assert.Equal(41UL, await NumberAsync("n"));
        await CommitAsync(Sum("n", 1) with { Expires = After(1_000) });
        Assert.Equal(42UL, await NumberAsync("n"));
        Tick(1_000);
        await AssertMissingAsync("n");
    }

    [Fact]
    public async Task Sums_of_many_callers_lose_nothing()
    {
        await TogetherAsync(8, async thread =>
        {
            for (int i = 0; i < 100; i++) await CommitAsync(Sum("n", (ulong)thread), Sum("count", 1));
        });
        Assert.Equal(2_800UL, await NumberAsync("n"));
        Assert.Equal(800UL, await NumberAsync("count"));
    }
}
