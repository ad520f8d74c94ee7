using System.Text;
using Xunit;

namespace Strata.Testing;

/// <content>No two keys share a place, whatever the medium makes of their names.</content>
public abstract partial class BlobStoreConformance
{
    /// <summary>Keys that a careless backend maps to one file, one folder, one row or one header.</summary>
    private static readonly string[] Aliases =
    [
        "a", "a/", "a/b", "a/b/", "a/b/c", "a_b", "a-b", "a.b", "a b", "A", "A/b", "A/B", "a%2Fb", "a%2fb", "a%252Fb", "a\\b", "a:b", "a+b",
        "x", "x.meta", "x.json", "x.tmp", "x~", ".x", "x.", "x..", "x ", " x", "x/.meta", "x/...", "..x", "x\\..\\y",
        "%", "%25", "%2525", "%00", "%2E%2E", "&amp;", "&", "<", ">", "\"", "'", "|", "?", "*", "#", ";", "=", "$HOME", "`", "^", "{}", "[]", "!", "@", ",",
        "CON", "con", "con.txt", "NUL", "nul", "COM1", "LPT1.log", "aux/prn", "desktop.ini", ".git/config", "lost+found", "_strata", "strata",
        "\u00E9", "e\u0301", "\u212B", "\u00C5", "A\u030A", "ß", "ss", "SS", "ẞ", "ı", "i", "I", "İ", "ﬁ", "fi", "日本", "🚀", "🚀/🚀", "\uFFFD", "\uE000", "\u200B", "\u00A0", "\u202E", "\uFEFF",
    ];

    [Fact]
    public async Task Keys_that_look_alike_hold_blobs_of_their_own()
    {
        string[] keys = [.. Aliases, .. LongKeys()];
        Assert.Equal(keys.Length, keys.Distinct().Count());
        for (int i = 0; i < keys.Length; i++) await PutAsync(keys[i], Bytes(40 + i, i));
        for (int i = 0; i < keys.Length; i++)
        {
            await AssertHoldsAsync(keys[i], Bytes(40 + i, i));
            Assert.Equal(keys[i], (await StatAsync(keys[i])).Key.Value);
        }

        Assert.Equal(keys.Order(ExpectedListing.Utf8Order), await KeysAsync());

        for (int i = 0; i < keys.Length; i += 2) Assert.Equal(DeleteStatus.Deleted, (await Store.DeleteAsync(Key(keys[i]))).Status);
        for (int i = 0; i < keys.Length; i++)
        {
            if (i % 2 == 0) Assert.Null(await Store.StatAsync(Key(keys[i])));
            else await AssertHoldsAsync(keys[i], Bytes(40 + i, i));
        }

        Assert.Equal(keys.Where((_, i) => i % 2 == 1).Order(ExpectedListing.Utf8Order), await KeysAsync());
    }

    [Fact]
    public async Task Keys_that_look_alike_do_not_stand_in_for_each_other()
    {
        foreach (string[] pair in (string[][])[["a/b", "a_b"], ["x", "x.meta"], ["a", "a/"], ["a", "a/b"], ["Key", "key"], ["\u00E9", "e\u0301"], ["a%2Fb", "a/b"], ["x", "x."]])
        {
            await PutAsync(pair[0], 1);
            Assert.Null(await Store.StatAsync(Key(pair[1])));
            Assert.Equal(DeleteStatus.Missing, (await Store.DeleteAsync(Key(pair[1]))).Status);
            await PutAsync(pair[1], 2);
            await AssertHoldsAsync(pair[0], Bytes(100, 1));
            await Store.DeleteAsync(Key(pair[0]));
            await AssertHoldsAsync(pair[1], Bytes(100, 2));
            await Store.DeleteAsync(Key(pair[1]));
        }

        Assert.Empty(await KeysAsync());
    }

    [Fact]
    public async Task A_key_may_become_a_folder_of_keys_and_back()
    {
        await PutAsync("a", 1);
        await PutAsync("a/b", 2);
        await PutAsync("a/b/c", 3);
        await PutAsync("a/", []);
        await Store.DeleteAsync(Key("a/b"));
        await AssertHoldsAsync("a", Bytes(100, 1));
        await AssertHoldsAsync("a/b/c", Bytes(100, 3));
        await Store.DeleteAsync(Key("a/b/c"));
        await PutAsync("a/b", 4);
        await AssertHoldsAsync("a/b", Bytes(100, 4));
        await AssertHoldsAsync("a/", []);
        Assert.Equal(["a", "a/", "a/b"], await KeysAsync());
    }

    private static string[] LongKeys()
    {
        string[] keys =
        [
            new string('k', BlobKey.MaxBytes),
            new string('k', BlobKey.MaxBytes - 1) + "K",
            new string('k', BlobKey.MaxBytes - 1) + "/",
            new string('k', 255),
            new string('k', 256),
            string.Concat(Enumerable.Repeat("d/", 511)) + "ee",
            string.Concat(Enumerable.Repeat("日", 341)) + "x",
            string.Concat(Enumerable.Repeat("🚀", 256)),
            new string('%', BlobKey.MaxBytes),
            string.Concat(Enumerable.Repeat("\"", 200)),
        ];
        foreach (string key in keys) Assert.True(Encoding.UTF8.GetByteCount(key) <= BlobKey.MaxBytes);
        return keys;
    }
}
