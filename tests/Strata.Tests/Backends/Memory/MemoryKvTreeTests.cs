using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>The tree against a sorted dictionary, at sizes where nodes split and merge on several levels; older trees stay as they were.</summary>
public sealed class MemoryKvTreeTests
{
    private static readonly IComparer<byte[]> ByBytes = Comparer<byte[]>.Create((x, y) => x.AsSpan().SequenceCompareTo(y));
    private static readonly ReadRange Everything = new(default, new byte[] { 255, 255, 255 }, int.MaxValue);

    [Theory]
    [InlineData(300, 1)]
    [InlineData(5_000, 1)]
    [InlineData(5_000, 100)]
    [InlineData(100_000, 1_000)]
    public void Random_changes_do_what_they_do_to_a_sorted_dictionary(int changes, int aTime)
    {
        int seed = TestSeed.Next();
        var random = new Random(seed);
        var expected = new SortedDictionary<byte[], KvEntry>(ByBytes);
        MemoryKvTree tree = MemoryKvTree.Empty;
        for (int done = 0; done < changes; done += aTime)
        {
            MemoryKvTree before = tree;
            long count = before.Count, weight = done % 10 == 0 ? WeightOf(before) : 0;
            var edit = new MemoryKvTree.Edit(before);

            // It grows to the middle, and shrinks from there.
            int deletes = done < changes / 2 ? 2 : 8;
            for (int i = 0; i < aTime; i++) Change(edit, expected, random, deletes);
            tree = edit.ToTree();
            Assert.Equal(expected.Count, tree.Count);
            Assert.Equal(count, before.Count);
            if (done % 10 == 0) Assert.True(weight == WeightOf(before), $"Seed {seed}: a change of a tree has changed the one that it was made from.");
        }

        AssertSame(expected, tree, $"seed {seed}");
    }

    [Theory]
    [InlineData("rising")]
    [InlineData("falling")]
    [InlineData("shuffled")]
    public void All_that_is_added_is_found_and_all_is_removed_again(string order)
    {
        byte[][] keys = [.. Enumerable.Range(0, 40_000).Select(i => new byte[] { (byte)(i >> 8), (byte)i, 7 })];
        Array.Sort(keys, ByBytes);
        byte[][] sequence = [.. keys];
        if (order == "falling") Array.Reverse(sequence);
        if (order == "shuffled") new Random(1).Shuffle(sequence);
        var edit = new MemoryKvTree.Edit(MemoryKvTree.Empty);
        foreach (byte[] key in sequence) Assert.Null(edit.Set(Entry(key, 1)));
        MemoryKvTree full = edit.ToTree();
        Assert.Equal(keys, Read(full, Everything).Select(e => e.Key.ToArray()));
        Assert.Equal(keys.Reverse(), Read(full, Everything with { Reverse = true }).Select(e => e.Key.ToArray()));
        edit = new MemoryKvTree.Edit(full);
        foreach (byte[] key in sequence)
        {
            Assert.NotNull(edit.Remove(key));
            Assert.Null(edit.Remove(key));
        }

        Assert.Equal(0, edit.ToTree().Count);
        Assert.Empty(Read(edit.ToTree(), Everything));
        Assert.Equal(keys.Length, Read(full, Everything).Count);
    }

    [Fact]
    public void Ranges_of_a_large_tree_are_those_of_a_sorted_array()
    {
        int seed = TestSeed.Next();
        var random = new Random(seed);
        var expected = new SortedDictionary<byte[], KvEntry>(ByBytes);
        var edit = new MemoryKvTree.Edit(MemoryKvTree.Empty);
        for (int i = 0; i < 20_000; i++) Change(edit, expected, random, deletes: 3);
        MemoryKvTree tree = edit.ToTree();
        byte[][] keys = [.. expected.Keys];
        for (int i = 0; i < 2_000; i++)
        {
            byte[] start = RandomKey(random), end = RandomKey(random);
            var range = new ReadRange(start, end, random.Next(3) == 0 ? int.MaxValue : 1 + random.Next(100), random.Next(2) == 0);
            int from = LowerBound(keys, start), to = LowerBound(keys, end);
            IEnumerable<byte[]> within = from < to ? keys[from..to] : [];
            if (range.Reverse) within = within.Reverse();
            string[] wanted = [.. within.Take(range.Limit).Select(Convert.ToHexString)], found = [.. Read(tree, range).Select(e => Convert.ToHexString(e.Key.Span))];
            Assert.True(wanted.SequenceEqual(found), $"Seed {seed}: {range} has {found.Length} keys instead of {wanted.Length}, or others.");
        }
    }

    private static void Change(MemoryKvTree.Edit edit, SortedDictionary<byte[], KvEntry> expected, Random random, int deletes)
    {
        byte[] key = RandomKey(random);
        KvEntry? before = expected.GetValueOrDefault(key);
        if (random.Next(10) < deletes)
        {
            Assert.Same(before, edit.Remove(key));
            expected.Remove(key);
            return;
        }

        KvEntry entry = Entry(key, (ulong)random.Next());
        Assert.Same(before, edit.Set(entry));
        Assert.Same(entry, edit.Find(key));
        expected[key] = entry;
    }

    private static void AssertSame(SortedDictionary<byte[], KvEntry> expected, MemoryKvTree tree, string context)
    {
        List<KvEntry> found = Read(tree, Everything);
        Assert.True(expected.Values.SequenceEqual(found, ReferenceEqualityComparer.Instance), $"{context}: {found.Count} entries instead of {expected.Count}, or others.");
        foreach (KvEntry entry in expected.Values) Assert.Same(entry, tree.Find(entry.Key.Span));
    }

    private static long WeightOf(MemoryKvTree tree) => Read(tree, Everything).Aggregate(17L, (sum, e) => (sum * 31) + (long)e.Versionstamp.Counter);

    private static int LowerBound(byte[][] keys, byte[] key) => Array.BinarySearch(keys, key, ByBytes) is var place && place < 0 ? ~place : place;

    private static List<KvEntry> Read(MemoryKvTree tree, ReadRange range)
    {
        var found = new List<KvEntry>();
        tree.Read(range, DateTimeOffset.UnixEpoch, found);
        return found;
    }

    private static KvEntry Entry(byte[] key, ulong number) => new(key, KvValue.OfBytes(key), new Versionstamp(number + 1));

    private static byte[] RandomKey(Random random)
    {
        byte[] key = new byte[1 + random.Next(3)];
        random.NextBytes(key);
        if (key[0] == 255) key[0] = 0;
        return key;
    }
}
