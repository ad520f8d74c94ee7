using System.Text;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>Where reads and lists go: past misses, past errors only where that cannot hide a blob, never back to what was deleted.</summary>
public sealed class FanoutReadTests
{
    private static readonly FanoutOptions Migration = new();

    [Fact]
    public async Task A_read_goes_on_at_a_miss_and_at_an_error_only_where_it_is_told_to()
    {
        await using FanoutFixture strict = await OldAndNewAsync(Migration);
        Assert.Equal("old", await strict.ReadAsync("a"));
        strict.Stores[0].Inject(StoreFault.On(StoreOperation.Read));
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => strict.ReadAsync("a"));
        Assert.Contains("Layer 'n0'", e.Message, StringComparison.Ordinal);

        await using FanoutFixture tolerant = await FanoutFixture.OpenAsync(2, new FanoutOptions { ReadsPastErrors = true, Acknowledge = FanoutAcknowledgement.Primary });
        await tolerant.PutAsync("a", "one");
        await tolerant.RepairedAsync();
        tolerant.Stores[0].Inject(StoreFault.On(StoreOperation.Read, StoreOperation.List));
        Assert.Equal("one", await tolerant.ReadAsync("a"));
        Assert.Null(await tolerant.ReadAsync("b"));
        Assert.Equal(["a"], await tolerant.KeysAsync());
        Assert.True(tolerant.Store.GetLayers()[0].Errors > 0);
        Assert.True(tolerant.Store.GetLayers()[1].Hits > 0);
    }

    [Fact]
    public async Task A_layer_that_is_only_read_and_out_is_never_taken_for_a_miss()
    {
        await using FanoutFixture fan = await OldAndNewAsync(Migration with { ReadsPastErrors = true });
        fan.Stores[1].Inject(StoreFault.On(StoreOperation.Read, StoreOperation.Stat, StoreOperation.List));
        await Assert.ThrowsAsync<StorageException>(() => fan.ReadAsync("a"));
        await Assert.ThrowsAsync<StorageException>(() => fan.Store.ListPageAsync(new ListRequest()).AsTask());
    }

    [Fact]
    public async Task What_was_deleted_or_has_expired_does_not_come_back_from_a_layer_that_is_only_read()
    {
        await using FanoutFixture fan = await OldAndNewAsync(Migration);
        Assert.Equal(["a", "b", "c"], await fan.KeysAsync());
        Assert.Equal(DeleteStatus.Deleted, (await fan.Store.DeleteAsync(FanoutFixture.Key("a"))).Status);
        await fan.Store.PutBytesAsync(FanoutFixture.Key("b"), "new"u8.ToArray(), new WriteOptions { Expires = fan.Clock.GetUtcNow() + TimeSpan.FromSeconds(1) });
        Assert.Equal((null, "new"), (await fan.ReadAsync("a"), await fan.ReadAsync("b")));
        fan.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal((null, null, "old"), (await fan.ReadAsync("a"), await fan.ReadAsync("b"), await fan.ReadAsync("c")));
        Assert.Null(await fan.Store.StatAsync(FanoutFixture.Key("a")));
        Assert.Equal(["c"], await fan.KeysAsync());
        Assert.Equal(DeleteStatus.Missing, (await fan.Store.DeleteAsync(FanoutFixture.Key("a"))).Status);
        Assert.Equal("old", await fan.HeldAsync(1, "a"));
        Assert.Empty((await fan.Store.ListPageAsync(new ListRequest { Prefix = "a", Delimiter = "/" })).Items);
    }

    [Fact]
    public async Task A_delete_that_fails_hides_nothing()
    {
        await using FanoutFixture fan = await OldAndNewAsync(Migration);
        fan.Stores[0].Inject(StoreFault.On(StoreOperation.Delete));
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => fan.Store.DeleteAsync(FanoutFixture.Key("a")).AsTask());
        Assert.Equal(WriteOutcome.NotApplied, e.Outcome);
        Assert.Equal("old", await fan.ReadAsync("a"));
    }

    [Fact]
    public async Task What_is_read_from_an_old_store_is_taken_to_the_new_one_as_it_is()
    {
        await using FanoutFixture fan = await OldAndNewAsync(Migration with { Backfills = true });
        Assert.Equal("old", await fan.ReadAsync("a"));
        await Eventually.HoldsAsync(async () => await fan.HeldAsync(0, "a") == "old", what: "The new store did not get what was read.");
        Assert.Equal(await fan.Memory[1].StatAsync(FanoutFixture.Key("a")), await fan.Memory[0].StatAsync(FanoutFixture.Key("a")));
        Assert.Null(await fan.HeldAsync(0, "c"));
        Assert.Equal(["a", "b", "c"], await fan.KeysAsync());
        await fan.Store.DeleteAsync(FanoutFixture.Key("a"));
        await fan.Store.FlushAsync();
        Assert.Null(await fan.ReadAsync("a"));
    }

    [Fact]
    public async Task A_list_of_the_first_layer_shows_what_that_has_missed()
    {
        await using FanoutFixture fan = await FanoutFixture.OpenAsync(3, new FanoutOptions { Acknowledge = FanoutAcknowledgement.Quorum, Lists = FanoutLists.First });
        await fan.PutAsync("a", "one");
        await fan.PutAsync("b", "one");
        fan.Stores[0].Inject(StoreFault.On(StoreOperation.Write, StoreOperation.Delete));
        await fan.PutAsync("c", "one");
        await fan.Store.DeleteAsync(FanoutFixture.Key("a"));
        Assert.Equal(["b", "c"], await fan.KeysAsync());
    }

    [Fact]
    public async Task A_merged_list_of_layers_with_different_keys_has_each_once_in_order()
    {
        var random = new Random(TestSeed.Next());
        string[] pieces = ["a", "b", "/", "1", "😀", "\uFFFD"];
        for (int run = 0; run < 20; run++)
        {
            var keys = new HashSet<string>(StringComparer.Ordinal);
            await using FanoutFixture fan = await FanoutFixture.OpenAsync(3, new FanoutOptions(), readOnly: 1, async (stores, _) =>
            {
                for (int i = 0; i < 60; i++)
                {
                    string text = string.Concat(Enumerable.Range(0, 1 + random.Next(5)).Select(_ => pieces[random.Next(pieces.Length)]));
                    if (!BlobKey.TryParse(text, out BlobKey key)) continue;
                    keys.Add(text);
                    await stores[random.Next(3)].PutBytesAsync(key, new byte[1]);
                }
            });
            for (int i = 0; i < 20; i++)
            {
                var request = new ListRequest
                {
                    Prefix = pieces[random.Next(pieces.Length)][..(random.Next(2) == 0 ? 0 : 1)] is { } p && p != "\uD83D" ? p : "",
                    Delimiter = random.Next(2) == 0 ? null : pieces[random.Next(pieces.Length)],
                    StartAfter = random.Next(2) == 0 ? null : pieces[random.Next(pieces.Length)],
                    Limit = 1 + random.Next(9),
                };
                List<(string Text, bool IsPrefix)> expected = ExpectedListing.Of(keys, request), actual = [];
                ListRequest next = request;
                do
                {
                    ListPage page = await fan.Store.ListPageAsync(next);
                    actual.AddRange(page.Items.Select(x => (x.Key.Value, false)).Concat(page.Prefixes.Select(x => (x, true))).OrderBy(x => x.Item1, ExpectedListing.Utf8Order));
                    next = next with { Token = page.Token };
                }
                while (next.Token is not null);
                Assert.True(expected.SequenceEqual(actual), $"{request}\nexpected {string.Join(' ', expected)}\n     but {string.Join(' ', actual)}");
            }
        }
    }

    [Fact]
    public async Task Layers_that_make_no_store_are_refused_with_the_reason()
    {
        FanoutLayer a = new() { Name = "a", Store = new MemoryBlobStore() }, b = new() { Name = "b", Store = new MemoryBlobStore() };
        await RefusedAsync([], [a], "no layer to read");
        await RefusedAsync([a], [], "no layer to write");
        await RefusedAsync([b, a], [a], "'a', which is");
        await RefusedAsync([a], [a, new FanoutLayer { Name = "a", Store = new MemoryBlobStore() }], "two layers named 'a'");
        await RefusedAsync([a], [a, new FanoutLayer { Name = "c", Store = a.Store }], "one store as two layers");
        await RefusedAsync([a, a], [a], "'a' twice");
        await RefusedAsync([a], [a], "1 to 1,000", new FanoutOptions { Parallelism = 0 });
        FanoutLayer stateless = new() { Name = "x", Store = new FaultStore(new MemoryBlobStore()) };
        await RefusedAsync([stateless], [stateless], "KV database");

        static async Task RefusedAsync(FanoutLayer[] read, FanoutLayer[] write, string why, FanoutOptions? options = null)
        {
            ArgumentException e = await Assert.ThrowsAsync<ArgumentException>(() => FanoutBlobStore.OpenAsync(read, write, options).AsTask());
            Assert.Contains(why, e.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>A new store that is written, over an old one with a, b and c.</summary>
    private static Task<FanoutFixture> OldAndNewAsync(FanoutOptions options) => FanoutFixture.OpenAsync(2, options, readOnly: 1, async (stores, _) =>
    {
        foreach (string key in (string[])["a", "b", "c"]) await stores[1].PutBytesAsync(FanoutFixture.Key(key), Encoding.UTF8.GetBytes("old"));
    });
}
