using Xunit;

namespace Strata.Testing;

/// <content>Keys are in the order of their bytes.</content>
public abstract partial class KvDatabaseConformance
{
    [Fact]
    public async Task Keys_are_in_the_order_of_their_bytes()
    {
        byte[][] keys = [[0], [0, 0], [0, 0, 1], [0, 255], [1], [1, 0], [1, 127], [1, 128], [1, 255], [1, 255, 0], [1, 255, 255], [2], [127], [128], [128, 0], [254, 255], [255], [255, 0], [255, 255]];
        await CommitAsync([.. keys.Reverse().Select(k => KvMutation.Set(k, KvValue.OfBytes(k)))]);
        byte[] end = [255, 255, 255];
        AssertKeys(keys, await ListAsync(new ReadRange(new byte[] { 0 }, end, 100)));
        AssertKeys(keys.Reverse(), await ListAsync(new ReadRange(default, end, 100, Reverse: true)));
        foreach (byte[] key in keys)
        {
            KvEntry? entry = await GetAsync(key);
            Assert.True(entry is not null, $"{Convert.ToHexString(key)} is not found by itself.");
            AssertKeys([key], [entry]);
        }
    }

    [Fact]
    public async Task Random_ranges_of_random_keys_are_those_of_a_sorted_set()
    {
        int seed = TestSeed.Next();
        var random = new Random(seed);
        var expected = new SortedSet<byte[]>(Comparer<byte[]>.Create((x, y) => x.AsSpan().SequenceCompareTo(y)));
        for (int round = 0; round < 10; round++)
        {
            byte[][] written = [.. Enumerable.Range(0, 60).Select(_ => RandomKey(random))];
            byte[][] deleted = [.. expected.Where(_ => random.Next(5) == 0)];
            await CommitAsync([.. deleted.Select(k => KvMutation.Delete(k)), .. written.Select(k => KvMutation.Set(k, KvValue.OfBytes(k)))]);
            expected.ExceptWith(deleted);
            expected.UnionWith(written);
            for (int i = 0; i < 40; i++)
            {
                var range = new ReadRange(RandomKey(random), RandomKey(random), 1 + random.Next(80), random.Next(2) == 0, random.Next(2) == 0);
                IEnumerable<byte[]> within = expected.Where(k => range.Contains(k));
                if (range.Reverse) within = within.Reverse();
                AssertKeys(within.Take(range.Limit), await ListAsync(range), $"seed {seed}, round {round}, {Convert.ToHexString(range.Start.Span)} to {Convert.ToHexString(range.End.Span)}");
            }
        }
    }

    [Fact]
    public async Task The_longest_keys_are_told_apart_by_their_last_byte()
    {
        byte[] one = Bytes(Limits.MaxKeyBytes), other = [.. one];
        one[^1] = 0;
        other[^1] = 255;
        Versionstamp first = await CommitAsync(KvMutation.Set(one, Value("one")));
        await CommitAsync(KvMutation.Set(other, Value("other")));
        Assert.Equal("one", Text((await GetAsync(one))!.Value.Data));
        Assert.Equal("other", Text((await GetAsync(other))!.Value.Data));
        Assert.Equal(first, (await GetAsync(one))!.Versionstamp);
        await CommitAsync(KvMutation.Delete(one));
        Assert.Null(await GetAsync(one));
        Assert.NotNull(await GetAsync(other));
    }

    /// <summary>Short and of few bytes, so that many are prefixes of others.</summary>
    private static byte[] RandomKey(Random random)
    {
        byte[] key = new byte[1 + random.Next(6)];
        ReadOnlySpan<byte> few = [0, 1, 2, 127, 128, 254, 255];
        for (int i = 0; i < key.Length; i++) key[i] = few[random.Next(few.Length)];
        return key;
    }

    private static void AssertKeys(IEnumerable<byte[]> expected, IReadOnlyList<KvEntry> found, string? context = null)
    {
        string[] keys = [.. expected.Select(Convert.ToHexString)], actual = [.. found.Select(e => Convert.ToHexString(e.Key.Span))];
        Assert.True(keys.SequenceEqual(actual), $"Expected {string.Join(' ', keys)}, found {string.Join(' ', actual)}. {context}");
    }
}
