using System.Numerics;
using System.Text.Json;
using Xunit;

namespace Strata.Tests;

public abstract class KvSumTests(KvBackend backend) : KvFixture(backend)
{
    private static KvKey Key => ["n"];

    [Fact]
    public async Task Sums_come_to_what_they_come_to_in_Deno()
    {
        IReadOnlyList<JsonElement> lines = DenoVectors.Read("deno-sums.jsonl");
        Assert.Equal(132, lines.Count);
        int number = 0;
        foreach (JsonElement line in lines)
        {
            KvKey key = ["of line", number++];
            if (line.TryGetProperty("before", out JsonElement before)) await WriteAsync(KvMutation.Set(key.Encoded, Value(before)));
            KvMutation sum = KvMutation.Sum(key.Encoded, Value(line.GetProperty("operand")));
            if (line.TryGetProperty("error", out JsonElement error))
            {
                ArgumentException refused = await Assert.ThrowsAsync<ArgumentException>(() => WriteAsync(sum));
                Assert.Contains("um", refused.Message, StringComparison.Ordinal);
                Assert.True(line.TryGetProperty("before", out _) == await Database.FindAsync(key) is not null, $"{line}: {error} left something behind.");
                continue;
            }

            await WriteAsync(sum);
            KvValue expected = Value(line.GetProperty("after")), actual = (await Database.FindAsync(key))!.Value;
            Assert.Equal((line.ToString(), Shown(expected)), (line.ToString(), Shown(actual)));
        }
    }

    [Theory]
    [InlineData(5, 0.0, 10.0, false, 6.0)]
    [InlineData(9.5, 0.0, 10.0, true, 10.0)]
    [InlineData(9.5, 0.0, 10.0, false, null)]
    [InlineData(-9, 0.0, null, true, 0.0)]
    [InlineData(-9, 0.0, null, false, null)]
    [InlineData(-9, null, 10.0, false, -8.0)]
    [InlineData(9, null, null, true, 10.0)]
    public async Task A_sum_over_numbers_keeps_to_its_limits(double added, double? min, double? max, bool clamp, double? expected)
    {
        await Kv.SetAsync(Key, 1.0);
        KvAtomic sum = Kv.Atomic().SumNumber(Key, added, min, max, clamp);
        if (expected is null) Assert.Contains("result", (await Assert.ThrowsAsync<ArgumentException>(async () => await sum.CommitAsync())).Message, StringComparison.Ordinal);
        else await sum.CommitAsync();
        Assert.Equal(expected ?? 1.0, (await Kv.GetAsync<double>(Key))!.Value);
    }

    [Fact]
    public async Task A_sum_over_big_integers_keeps_to_its_limits()
    {
        BigInteger great = BigInteger.Pow(10, 50);
        await Kv.SetAsync(Key, great);
        await Kv.Atomic().SumInteger(Key, great, max: great + 1, clamp: true).CommitAsync();
        Assert.Equal(great + 1, (await Kv.GetAsync<BigInteger>(Key))!.Value);
        await Assert.ThrowsAsync<ArgumentException>(async () => await Kv.Atomic().SumInteger(Key, -great, min: 5).CommitAsync());
        await Kv.Atomic().SumInteger(Key, -great, min: 1).CommitAsync();
        Assert.Equal(1, (await Kv.GetAsync<BigInteger>(Key))!.Value);
    }

    [Fact]
    public async Task The_first_sum_of_a_key_sets_what_is_added_as_in_Deno()
    {
        await Kv.Atomic().SumNumber(Key, 5, max: 3, clamp: true).CommitAsync();
        Assert.Equal(5, (await Kv.GetAsync<double>(Key))!.Value);
    }

    [Fact]
    public async Task A_number_of_64_bits_stays_one_when_a_big_integer_is_added()
    {
        await Kv.SetAsync(Key, ulong.MaxValue);
        await Kv.Atomic().SumInteger(Key, 3).CommitAsync();
        Assert.Equal(2UL, (await Kv.GetAsync<ulong>(Key))!.Value);
        foreach (KvAtomic wrong in new[] { Kv.Atomic().SumInteger(Key, -1), Kv.Atomic().SumInteger(Key, BigInteger.Pow(2, 64)), Kv.Atomic().SumInteger(Key, 1, max: 5), Kv.Atomic().SumNumber(Key, 1) })
        {
            Assert.Contains("64 bits", (await Assert.ThrowsAsync<ArgumentException>(async () => await wrong.CommitAsync())).Message, StringComparison.Ordinal);
        }

        Assert.Equal(2UL, (await Kv.GetAsync<ulong>(Key))!.Value);
    }

    [Fact]
    public async Task Limits_of_another_kind_are_refused()
    {
        KvValue one = new(V8Value.Of(1.0).ToBytes(), KvEncoding.V8);
        await Assert.ThrowsAsync<ArgumentException>(() => WriteAsync(KvMutation.Sum(Key.Encoded, one, KvSumLimits.Of(null, BigInteger.One, false))));
        await Assert.ThrowsAsync<ArgumentException>(() => WriteAsync(KvMutation.Sum(Key.Encoded, one, new KvSumLimits(new byte[] { 1 }, default, false))));
        await Assert.ThrowsAsync<ArgumentException>(() => WriteAsync(KvMutation.Sum(Key.Encoded, KvValue.OfUInt64(1), KvSumLimits.Of(0.0, null, false))));
        await Assert.ThrowsAsync<ArgumentException>(() => WriteAsync(KvMutation.Sum(Key.Encoded, one, new KvSumLimits(new byte[65_537], default, false))));
        Assert.Empty(await Database.KeysAsync());
    }

    [Fact]
    public async Task Max_and_min_count_with_numbers_of_64_bits_alone()
    {
        await Kv.SetAsync(Key, 1.0);
        Assert.Contains("64 bits", (await Assert.ThrowsAsync<ArgumentException>(async () => await Kv.Atomic().Max(Key, 5).CommitAsync())).Message, StringComparison.Ordinal);
        KvMutation max = KvMutation.Max(Key.Encoded, 1) with { Value = new KvValue(V8Value.Of(1.0).ToBytes(), KvEncoding.V8) };
        await Assert.ThrowsAsync<ArgumentException>(() => WriteAsync(max));
    }

    [Fact]
    public async Task A_sum_that_grows_too_long_is_refused()
    {
        BigInteger longest = (BigInteger.One << (8 * (V8Value.MaxIntegerBytes - 8))) - 1;
        await Kv.SetAsync(Key, longest);
        await Kv.Atomic().SumInteger(Key, 1).CommitAsync();
        BigInteger full = (BigInteger.One << (8 * V8Value.MaxIntegerBytes)) - 1;
        Assert.Throws<ArgumentException>(() => V8Value.Of(full + 1).ToBytes());
    }

    private async Task WriteAsync(KvMutation mutation) => await Database.AtomicWriteAsync(new AtomicWrite { Mutations = [mutation] }, default);

    private static KvValue Value(JsonElement told) => new(DenoVectors.Hex(told), (KvEncoding)told.GetProperty("encoding").GetInt32());

    /// <summary>As Deno reads it: the same number may be written in several ways.</summary>
    private static string Shown(KvValue value) => value.TryGetUInt64(out ulong number) ? $"u64 {number}" : V8Value.Read(value.Data).ToString();

    public sealed class OverMemory() : KvSumTests(KvBackend.Memory);

    public sealed class OverDisk() : KvSumTests(KvBackend.Disk);

    public sealed class OverSqlite() : KvSumTests(KvBackend.Sqlite);
}
