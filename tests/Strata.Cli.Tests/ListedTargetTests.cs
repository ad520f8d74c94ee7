using Xunit;

namespace Strata.Cli.Tests;

/// <summary>A copy's look at its target: every key that is there is found, whatever else lies between.</summary>
public sealed class ListedTargetTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(1000)]
    public async Task Every_key_that_is_there_is_found(int pageItems)
    {
        const string Prefix = "p/";
        string[] letters = ["a", "b", "/c", ".", "\uE000", "\U0001F600"];
        for (int seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions());
            SortedSet<BlobKey> Some(int count) => [.. Enumerable.Range(0, count).Select(_ => Key(random))];
            SortedSet<BlobKey> held = Some(40), asked = Some(20);
            asked.UnionWith(held.Where(_ => random.Next(3) == 0));
            foreach (BlobKey key in held) await store.PutBytesAsync(key, new byte[1]);

            var target = new ListedTarget(store, Prefix, pageItems);
            foreach (BlobKey key in asked) Assert.True(held.Contains(key) == (await target.FindAsync(key, default) is not null), $"seed {seed}, '{key}'");
        }

        BlobKey Key(Random random) => BlobKey.Parse(Prefix + "x" + string.Concat(Enumerable.Range(0, random.Next(1, 6)).Select(_ => letters[random.Next(letters.Length)] + "d")));
    }

    [Fact]
    public void Files_come_in_the_order_of_their_keys()
    {
        using var folder = new TempFolder();
        foreach (string name in new[] { "a/b", "a.txt", "a-/x", "a0", "a/", "\uE000", "\U0001F600", "b/c/d", "b/c.d", "b/c-d", "B" })
        {
            if (name.EndsWith('/')) Directory.CreateDirectory(folder[name]);
            else folder.Write(name, "x"u8);
        }

        string[] files = [.. new LocalTree(folder.Path).Files().Select(f => f.Relative)];

        Assert.Equal(10, files.Length);
        Assert.Equal(files.Order(Comparer<string>.Create(BlobKey.CompareText)), files);
    }
}
