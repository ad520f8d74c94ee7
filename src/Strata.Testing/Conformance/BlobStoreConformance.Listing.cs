using Xunit;

namespace Strata.Testing;

/// <content>Listings: order, prefixes, delimiters, pages.</content>
public abstract partial class BlobStoreConformance
{
    // U+FFFD and U+E000 are before U+10000 and U+1F680 in UTF-8, and behind them in UTF-16.
    private static readonly string[] Listed =
    [
        "a", "a/", "a/1", "a/2/x", "a/2/y", "a-1", "a.b", "a0", "ab", "b/1/2/3", "b/1/2/4", "b//"[..2], "c--1", "c--2", "c-1", "c--", "d😀1", "d😀2", "d😁1", "d😁2",
        "e\uFFFD", "e\uFFFD/1", "e\uE000", "e\U00010000", "e\U00010000/1", "e\U0001F680", "e\U0001F680/2", "e\uD7FF", "e\uD7FF/1", "eé", "ee\u0301", "Z", "z/z/z", "~", "\uFFFF", "e\uFFFF/1", "\U0010FFFF/x",
    ];

    [Fact]
    public async Task An_empty_store_lists_nothing()
    {
        ListPage page = await Store.ListPageAsync(new ListRequest { Delimiter = "/" });
        Assert.Empty(page.Items);
        Assert.Empty(page.Prefixes);
        Assert.Null(page.Token);
    }

    [Fact]
    public async Task Listings_of_every_shape_are_what_the_keys_say()
    {
        await PutListedAsync();
        int shape = Random.Shared.Next(ListingStride);
        Assert.Equal(Listed.Order(ExpectedListing.Utf8Order), await KeysAsync());
        foreach (string prefix in (string[])["", "a", "a/", "a/2/", "b", "b/1/2/", "c-", "c--", "d", "d😀", "e", "e\uFFFD", "e\U0001F680/", "z/z/z", "nothing"])
        {
            foreach (string? delimiter in (string?[])[null, "/", "-", "--", "1", "/1", "😀", "😁", "\uFFFD", "\U0001F680", "e", "\uD7FF", "\uFFFF", "zz"])
            {
                foreach (string? startAfter in (string?[])[null, "a", "a/", "a/1", "a/2", "a/2/zzz", "b/1/2/3", "c--", "d😀", "d😀1", "e\uFFFD", "e\U00010000", "zzz", "\U0010FFFF/z", "0"])
                {
                    if (shape++ % ListingStride != 0) continue;
                    await AssertListingAsync(new ListRequest { Prefix = prefix, Delimiter = delimiter, StartAfter = startAfter });
                }
            }
        }
    }

    [Fact]
    public async Task Pages_of_every_limit_put_together_are_the_whole()
    {
        await PutListedAsync();
        int shape = Random.Shared.Next(ListingStride);
        foreach (string? delimiter in (string?[])[null, "/", "--", "😀", "1"])
        {
            foreach (string prefix in (string[])["", "a", "e", "d"])
            {
                foreach (string? startAfter in (string?[])[null, "a/1", "d"])
                {
                    for (int limit = 1; limit <= 7; limit++)
                    {
                        if (shape++ % ListingStride != 0) continue;
                        await AssertListingAsync(new ListRequest { Prefix = prefix, Delimiter = delimiter, StartAfter = startAfter, Limit = limit });
                    }
                }
            }
        }
    }

    [Fact]
    public async Task The_last_page_has_no_token()
    {
        for (int i = 0; i < 6; i++) await PutAsync($"k{i}");
        ListPage first = await Store.ListPageAsync(new ListRequest { Limit = 3 });
        Assert.NotNull(first.Token);
        ListPage second = await Store.ListPageAsync(new ListRequest { Limit = 3, Token = first.Token });
        Assert.Equal(3, second.Items.Count);
        Assert.Null(second.Token);
        Assert.Null((await Store.ListPageAsync(new ListRequest { Limit = 6 })).Token);
        Assert.Equal(6, (await Store.ListPageAsync(new ListRequest { Limit = ListRequest.MaxLimit })).Items.Count);
    }

    [Fact]
    public async Task A_thousand_is_the_usual_limit()
    {
        for (int i = 0; i < 1001; i++) await PutAsync($"k{i:0000}", []);
        ListPage page = await Store.ListPageAsync(new ListRequest());
        Assert.Equal(1000, page.Items.Count);
        Assert.Equal("k1000", Assert.Single((await Store.ListPageAsync(new ListRequest { Token = page.Token })).Items).Key.Value);
        Assert.Equal(1001, (await KeysAsync()).Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(10_001)]
    public Task A_limit_out_of_range_is_the_callers_fault(int limit) =>
        AssertArgumentAsync(async () => await Store.ListPageAsync(new ListRequest { Limit = limit }));

    [Fact]
    public async Task A_token_continues_its_own_listing_only()
    {
        for (int i = 0; i < 9; i++) await PutAsync($"dir/{i}");
        string token = (await Store.ListPageAsync(new ListRequest { Prefix = "dir/", Limit = 2 })).Token!;
        Assert.Equal("dir/2", (await Store.ListPageAsync(new ListRequest { Prefix = "dir/", Limit = 1, Token = token })).Items[0].Key.Value);
        await AssertArgumentAsync(async () => await Store.ListPageAsync(new ListRequest { Limit = 2, Token = token }));
        await AssertArgumentAsync(async () => await Store.ListPageAsync(new ListRequest { Prefix = "dir", Limit = 2, Token = token }));
        await AssertArgumentAsync(async () => await Store.ListPageAsync(new ListRequest { Prefix = "dir/", Delimiter = "/", Limit = 2, Token = token }));
        await AssertArgumentAsync(async () => await Store.ListPageAsync(new ListRequest { Prefix = "dir/", Token = "nonsense!" }));
        await AssertArgumentAsync(async () => await Store.ListPageAsync(new ListRequest { Prefix = "dir/", Token = "AAAA" }));
        await AssertArgumentAsync(async () => await Store.ListPageAsync(new ListRequest { Delimiter = "" }));
    }

    [Fact]
    public async Task A_token_takes_the_place_of_StartAfter()
    {
        for (int i = 0; i < 9; i++) await PutAsync($"k{i}");
        string token = (await Store.ListPageAsync(new ListRequest { StartAfter = "k2", Limit = 2 })).Token!;
        ListPage page = await Store.ListPageAsync(new ListRequest { StartAfter = "k2", Limit = 2, Token = token });
        Assert.Equal(["k5", "k6"], page.Items.Select(i => i.Key.Value));
    }

    [Fact]
    public async Task A_listing_goes_on_where_the_last_key_was_deleted()
    {
        for (int i = 0; i < 9; i++) await PutAsync($"d{i / 3}/{i}");
        ListPage items = await Store.ListPageAsync(new ListRequest { Limit = 4 });
        ListPage groups = await Store.ListPageAsync(new ListRequest { Delimiter = "/", Limit = 2 });
        await Store.DeleteManyAsync([Key("d1/3"), Key("d1/4"), Key("d1/5")]);
        Assert.Equal("d2/6", (await Store.ListPageAsync(new ListRequest { Limit = 4, Token = items.Token })).Items[0].Key.Value);
        Assert.Equal(["d2/"], (await Store.ListPageAsync(new ListRequest { Delimiter = "/", Limit = 2, Token = groups.Token })).Prefixes);
    }

    [Fact]
    public async Task Keys_present_throughout_a_listing_appear_exactly_once_while_others_come_and_go()
    {
        string[] stay = [.. Enumerable.Range(0, 60).Select(i => $"k{i:00}/stay")];
        foreach (string key in stay) await PutAsync(key, Bytes(10));
        using var done = new CancellationTokenSource();
        Task[] others = [.. Enumerable.Range(0, 2).Select(seed => Task.Run(async () =>
        {
            var random = new Random(seed);
            while (!done.IsCancellationRequested)
            {
                BlobKey key = Key($"k{random.Next(60):00}/{(random.Next(2) == 0 ? "a" : "z")}{seed}");
                await Store.PutBytesAsync(key, Bytes(10));
                await Store.DeleteAsync(key);
                await Store.PutBytesAsync(Key(stay[random.Next(60)]), Bytes(10, 2));
                await Task.Yield();
            }
        }))];

        for (int round = 0; round < 12; round++)
        {
            List<string> seen = [];
            var request = new ListRequest { Limit = 1 + (round * 3 % 16) };
            do
            {
                ListPage page = await Store.ListPageAsync(request);
                seen.AddRange(page.Items.Select(i => i.Key.Value));
                request = request with { Token = page.Token };
            }
            while (request.Token is not null);
            Assert.Equal(stay, seen.Where(k => k.EndsWith("/stay", StringComparison.Ordinal)));
            Assert.Equal(seen.Distinct().Order(ExpectedListing.Utf8Order), seen);
        }

        await done.CancelAsync();
        await Task.WhenAll(others);
    }

    private async Task PutListedAsync()
    {
        foreach (string key in Listed.Distinct()) await PutAsync(key, []);
    }

    /// <summary>Walks all pages of a request and compares them with what the keys say.</summary>
    private async Task AssertListingAsync(ListRequest request)
    {
        List<(string Text, bool IsPrefix)> expected = ExpectedListing.Of(Listed, request), actual = [];
        ListRequest next = request;
        do
        {
            ListPage page = await Store.ListPageAsync(next);
            Assert.True(page.Items.Count + page.Prefixes.Count <= request.Limit, $"A page of {request} is longer than its limit.");
            IEnumerable<(string Text, bool IsPrefix)> entries = page.Items.Select(i => (i.Key.Value, false)).Concat(page.Prefixes.Select(p => (p, true)));
            Assert.Equal(page.Items.Select(i => i.Key.Value).Order(ExpectedListing.Utf8Order), page.Items.Select(i => i.Key.Value));
            Assert.Equal(page.Prefixes.Order(ExpectedListing.Utf8Order), page.Prefixes);
            actual.AddRange(entries.OrderBy(e => e.Text, ExpectedListing.Utf8Order));
            next = next with { Token = page.Token };
            Assert.True(actual.Count <= Listed.Length, $"The pages of {request} do not end.");
        }
        while (next.Token is not null);
        Assert.True(expected.SequenceEqual(actual), $"{request}\nexpected {string.Join(' ', expected)}\n     but {string.Join(' ', actual)}");
    }
}
