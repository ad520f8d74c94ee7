using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>An address opens what it says or nothing: a mistyped scheme must never become a local folder.</summary>
public sealed class StoreUrlRegistryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("strata-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("fiel:./data")]
    [InlineData("s3:bucket")]
    [InlineData("htps://example.com/db")]
    [InlineData("memroy:")]
    public async Task A_mistyped_scheme_lists_the_known_ones_and_opens_no_folder(string url)
    {
        string[] before = Directory.GetFileSystemEntries(".");
        StrataConfigurationException e = await Assert.ThrowsAsync<StrataConfigurationException>(() => new StoreUrlRegistry().OpenAsync(url).AsTask());
        Assert.Contains("unknown scheme", e.Message, StringComparison.Ordinal);
        Assert.Contains("file:, memory:", e.Message, StringComparison.Ordinal);
        Assert.Equal(before, Directory.GetFileSystemEntries("."));
    }

    [Theory]
    [InlineData("memory:", "memory")]
    [InlineData("MEMORY:", "memory")]
    [InlineData("file:./x", "file")]
    [InlineData("c:/data", null)]
    [InlineData("./a:b", null)]
    [InlineData("/a:b", null)]
    [InlineData("plain", null)]
    public void A_scheme_is_two_letters_or_more_before_the_first_colon(string text, string? scheme) => Assert.Equal(scheme, StoreUrl.SchemeOf(text));

    [Fact]
    public async Task A_plain_path_and_a_file_address_open_the_same_folder()
    {
        var registry = new StoreUrlRegistry();
        await using (IBlobStore store = await registry.OpenAsync(Path.Combine(_folder, "a b"))) await store.PutBytesAsync(BlobKey.Parse("k"), new byte[3]);
        await using IBlobStore again = await registry.OpenAsync($"file:{_folder}/a%20b");
        Assert.NotNull(await again.StatAsync(BlobKey.Parse("k")));
    }

    [Fact]
    public async Task The_expiry_of_uploads_is_an_option_of_a_file_address()
    {
        var clock = new FakeClock();
        await using IBlobStore store = await new StoreUrlRegistry().OpenAsync($"file:{_folder}/x?uploadExpiry=2d", StoreContext.Default with { Clock = clock });
        Assert.True(store.TryGetFacet(out IMultipartUploads? uploads));
        MultipartUpload upload = await uploads.CreateAsync(BlobKey.Parse("k"));
        clock.Jump(TimeSpan.FromHours(47));
        Assert.NotNull(await uploads.FindAsync(upload.Key, upload.Id));
        clock.Jump(TimeSpan.FromHours(1));
        Assert.Null(await uploads.FindAsync(upload.Key, upload.Id));
    }

    [Fact]
    public async Task The_settings_of_the_log_are_options_of_a_file_address()
    {
        string url = $"file:{_folder}/y?durability=interval&syncInterval=200ms&maxIndexBytes=1MiB&mapReads=false&compactionBytesPerSecond=8MiB&maxBytes=64MiB";
        await using IBlobStore store = await new StoreUrlRegistry().OpenAsync(url);
        StorageException? full = null;
        for (int i = 0; full is null && i < 100_000; i++)
        {
            full = await Record.ExceptionAsync(async () => await store.PutBytesAsync(BlobKey.Parse($"a/key/{i}"), new byte[1])) as StorageException;
        }

        Assert.Contains("MaxIndexBytes", full!.Message, StringComparison.Ordinal);
        Assert.True(store.TryGetFacet(out IStoreStatistics? statistics));
        Assert.Equal(64 << 20, statistics.GetStatistics().MaxBytes);
    }

    [Fact]
    public async Task A_memory_tier_takes_the_longest_blob_that_its_settings_name()
    {
        await using TieredBlobStore store = await new TieredStoreBuilder()
            .AddTier("hot", "memory:?maxBytes=1MiB&yieldsToPressure=true", maxBlobBytes: 400_000)
            .AddTier("cold", "memory:")
            .OpenAsync();
        BlobKey key = BlobKey.Parse("k");
        await store.PutBytesAsync(key, new byte[400_000]);
        Assert.Equal(["hot", "cold"], await store.LocateAsync(key));
        await store.PutBytesAsync(key, new byte[400_001]);
        Assert.Equal(["cold"], await store.LocateAsync(key));
    }

    [Theory]
    [InlineData("memory:?maxByte=1MiB", "maxByte")]
    [InlineData("memory:?maxBytes=lots", "maxBytes=lots")]
    [InlineData("memory:?maxBytes=1", "64 KiB or more")]
    [InlineData("memory:?yieldsToPressure=maybe", "true or false")]
    [InlineData("memory:?yieldsToPressure=true", "the only copy")]
    [InlineData("memory:/path", "/path")]
    [InlineData("file:", "no folder")]
    [InlineData("file:./x?durability=maybe", "flush or interval or system")]
    [InlineData("file:./x?syncInterval=0s", "more than 0")]
    [InlineData("file:./x?maxIndexBytes=1", "1 MiB or more")]
    [InlineData("file:./x?compactionBytesPerSecond=1KiB", "1 MiB or more")]
    [InlineData("file:./x?mapReads=maybe", "true or false")]
    [InlineData("file:./x?durability", "no value")]
    [InlineData("file:./x?uploadExpiry=soon", "more than 0")]
    [InlineData("file:./x?uploadExpiry=0s", "more than 0")]
    [InlineData("file:./x?maxBytes=1MiB&maxbytes=2MiB", "twice")]
    public async Task A_wrong_option_is_named_with_what_it_takes(string url, string named)
    {
        StrataConfigurationException e = await Assert.ThrowsAsync<StrataConfigurationException>(() => new StoreUrlRegistry().OpenAsync(url).AsTask());
        Assert.Contains(named, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_longest_registered_prefix_wins()
    {
        var registry = new StoreUrlRegistry();
        var opened = new List<string>();
        registry.Register("box:", (url, opening, _) => Open("short"));
        registry.Register("box://special/", (url, opening, _) => Open("long"));
        await (await registry.OpenAsync("box://other/x")).DisposeAsync();
        await (await registry.OpenAsync("box://special/x")).DisposeAsync();
        Assert.Equal(["short", "long"], opened);

        ValueTask<IBlobStore> Open(string name)
        {
            opened.Add(name);
            return new(new MemoryBlobStore());
        }
    }

    [Fact]
    public async Task A_folder_that_is_a_file_is_an_error_that_names_it()
    {
        string file = Path.Combine(_folder, "file");
        await File.WriteAllTextAsync(file, "");
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => new StoreUrlRegistry().OpenAsync(file).AsTask());
        Assert.Contains(file, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_another_store_has_open_is_owned()
    {
        await using DiskBlobStore first = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = _folder });
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = _folder }).AsTask());
        Assert.Equal(StorageErrorKind.Owned, e.Kind);
        Assert.Contains($"process {Environment.ProcessId}", e.Message, StringComparison.Ordinal);
    }
}
