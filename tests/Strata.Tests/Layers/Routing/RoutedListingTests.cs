using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>Lists over mounts are those of one store with the keys that are seen, whatever the stores hold besides.</summary>
public sealed class RoutedListingTests
{
    private static readonly string[] Pieces = ["a", "a", "a/", "/", "b", "b-", "1", "😀", "\uFFFD", "\U0010FFFF"];

    [Fact]
    public async Task Random_mounts_over_stores_that_hold_each_others_keys_list_what_belongs_to_them()
    {
        int seed = TestSeed.Next();
        var random = new Random(seed);
        for (int run = 0; run < 120; run++)
        {
            string[] prefixes = [.. Enumerable.Range(0, 1 + random.Next(5)).Select(_ => Text(random, random.Next(4))).Where(p => BlobKey.TryParse(p + "x", out _)).Append(random.Next(4) == 0 ? "b" : "").Distinct()];
            StoreMount[] mounts = [.. prefixes.Select(prefix => new StoreMount { Prefix = prefix, Store = new MemoryBlobStore() })];
            await using var store = new RoutedBlobStore(mounts);
            var seen = new List<string>();
            foreach (StoreMount mount in mounts)
            {
                for (int i = 0; i < 25; i++)
                {
                    if (!BlobKey.TryParse(Text(random, 1 + random.Next(5)), out BlobKey key)) continue;
                    await mount.Store.PutBytesAsync(key, new byte[1]);
                    if (store.FindMount(key) == mount) seen.Add(key.Value);
                }
            }

            for (int i = 0; i < 40; i++)
            {
                var request = new ListRequest
                {
                    Prefix = Text(random, random.Next(3)),
                    Delimiter = random.Next(3) == 0 ? null : Pieces[random.Next(Pieces.Length)],
                    StartAfter = random.Next(2) == 0 ? null : Text(random, random.Next(4)),
                    Limit = 1 + random.Next(6),
                };
                await AssertListingAsync(store, request, ExpectedListing.Of(seen.Distinct(), request), $"seed {seed}, mounts '{string.Join("', '", prefixes)}', {request}");
            }
        }
    }

    [Fact]
    public async Task A_page_asks_no_store_behind_its_end()
    {
        var first = new FaultStore(new MemoryBlobStore());
        var second = new FaultStore(new MemoryBlobStore());
        await using var store = new RoutedBlobStore([new StoreMount { Prefix = "a/", Store = first }, new StoreMount { Prefix = "b/", Store = second }]);
        foreach (string key in (string[])["a/1", "a/2", "a/3", "b/1"]) await store.PutBytesAsync(BlobKey.Parse(key), new byte[1]);

        ListPage page = await store.ListPageAsync(new ListRequest { Limit = 2 });
        Assert.Equal(["a/1", "a/2"], page.Items.Select(i => i.Key.Value));
        Assert.Equal((1, 0), (first.CountOf(StoreOperation.List), second.CountOf(StoreOperation.List)));
        ListPage rest = await store.ListPageAsync(new ListRequest { Limit = 2, Token = page.Token });
        Assert.Equal(["a/3", "b/1"], rest.Items.Select(i => i.Key.Value));
        Assert.Null(rest.Token);
        Assert.Equal(["b/1"], (await store.ListPageAsync(new ListRequest { Prefix = "b/" })).Items.Select(i => i.Key.Value));
        Assert.Equal(2, first.CountOf(StoreOperation.List));
    }

    [Fact]
    public async Task A_store_that_fails_fails_the_page_that_needs_it_and_names_its_mount()
    {
        var broken = new FaultStore(new MemoryBlobStore());
        broken.Inject(StoreFault.On(StoreOperation.List));
        await using var store = new RoutedBlobStore([new StoreMount { Prefix = "", Store = new MemoryBlobStore() }, new StoreMount { Prefix = "b/", Store = broken }]);
        await store.PutBytesAsync(BlobKey.Parse("a"), new byte[1]);
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => store.ListPageAsync(new ListRequest()).AsTask());
        Assert.Contains("mount 'b/'", e.Message, StringComparison.Ordinal);
        Assert.Equal(["a"], (await store.ListPageAsync(new ListRequest { Prefix = "a" })).Items.Select(i => i.Key.Value));
    }

    [Fact]
    public async Task A_thousand_groups_of_one_mount_cost_one_request()
    {
        var inner = new FaultStore(new MemoryBlobStore());
        await using var store = new RoutedBlobStore([new StoreMount { Prefix = "a/", Store = inner }, new StoreMount { Prefix = "", Store = new MemoryBlobStore() }]);
        for (int i = 0; i < 900; i++) await store.PutBytesAsync(BlobKey.Parse($"a/{i:000}/x"), new byte[1]);
        ListPage page = await store.ListPageAsync(new ListRequest { Prefix = "a/", Delimiter = "/" });
        Assert.Equal(900, page.Prefixes.Count);
        Assert.Equal(1, inner.CountOf(StoreOperation.List));
    }

    private static async Task AssertListingAsync(RoutedBlobStore store, ListRequest request, List<(string Text, bool IsPrefix)> expected, string what)
    {
        var actual = new List<(string Text, bool IsPrefix)>();
        ListRequest next = request;
        do
        {
            ListPage page = await store.ListPageAsync(next);
            IEnumerable<(string Text, bool IsPrefix)> entries = page.Items.Select(i => (i.Key.Value, false)).Concat(page.Prefixes.Select(p => (p, true)));
            actual.AddRange(entries.OrderBy(e => e.Item1, ExpectedListing.Utf8Order));
            Assert.True(page.Token is null || page.Items.Count + page.Prefixes.Count == request.Limit, $"A page of {what} is not full, though there is more.");
            Assert.True(actual.Count <= expected.Count, $"More is listed than there is: {what}\nexpected {string.Join(' ', expected)}\n     but {string.Join(' ', actual)}");
            next = next with { Token = page.Token };
        }
        while (next.Token is not null);
        Assert.True(expected.SequenceEqual(actual), $"{what}\nexpected {string.Join(' ', expected)}\n     but {string.Join(' ', actual)}");
    }

    private static string Text(Random random, int pieces) => string.Concat(Enumerable.Range(0, pieces).Select(_ => Pieces[random.Next(Pieces.Length)]));
}
