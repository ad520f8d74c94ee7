using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>Buckets that come and go at run time: durable when acknowledged, never served half, never deleted under a write.</summary>
public sealed class CreatedBucketsTests : IDisposable
{
    private static readonly BlobKey Key = BlobKey.Parse("k");
    private readonly TempFolder _folder = new();
    private readonly FakeClock _clock = new();

    private string Buckets => _folder.Sub("buckets");

    private string Record => Path.Combine(Buckets, "buckets.record");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_created_bucket_is_there_at_the_next_start_with_what_was_written()
    {
        await using (StoreCatalog catalog = await OpenAsync())
        {
            Assert.Equal(BucketCreation.Created, await catalog.CreateAsync("photos"));
            Assert.Equal(["hot", "cold"], catalog.Stores["photos"].Capabilities.Tiers);
            Assert.True(catalog.Stores["photos"].Capabilities.MultipartUploads);
            await catalog.Stores["photos"].PutBytesAsync(Key, new byte[3]);
            _clock.Advance(TimeSpan.FromHours(1));
            Assert.Equal(BucketCreation.Created, await catalog.CreateAsync("a.b-c"));
            Assert.Equal(["a.b-c", "photos"], catalog.Stores.Keys);
        }

        // Also where no more may be created.
        await using StoreCatalog next = await OpenAsync(new BucketSettings { Create = false });
        Assert.Equal(["a.b-c", "photos"], next.Stores.Keys);
        Assert.Equal(3, (await next.Stores["photos"].StatAsync(Key))!.Length);
        Assert.Equal(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), next.CreatedAt("photos"));
        Assert.Equal(new DateTimeOffset(2026, 1, 1, 1, 0, 0, TimeSpan.Zero), next.CreatedAt("a.b-c"));
        Assert.Null(next.CreatedAt("nothing"));
        Assert.Equal(BucketCreation.NotAllowed, await next.CreateAsync("more"));
        Assert.Equal(BucketDeletion.NotAllowed, await next.DeleteAsync("a.b-c"));
    }

    [Fact]
    public async Task A_deleted_bucket_is_gone_for_good_and_its_name_is_free()
    {
        await using (StoreCatalog catalog = await OpenAsync())
        {
            await catalog.CreateAsync("photos");
            IBlobStore store = catalog.Stores["photos"];
            await store.PutBytesAsync(Key, new byte[3]);
            Assert.Equal(BucketDeletion.NotEmpty, await catalog.DeleteAsync("photos"));
            Assert.NotNull(await store.StatAsync(Key));
            await store.DeleteAsync(Key);
            Assert.Equal(BucketDeletion.Deleted, await catalog.DeleteAsync("photos"));
            Assert.Empty(catalog.Stores);
            Assert.Equal(BucketDeletion.Missing, await catalog.DeleteAsync("photos"));
            Assert.Equal(StorageErrorKind.Closed, (await Assert.ThrowsAsync<StorageException>(() => store.PutBytesAsync(Key, new byte[1]).AsTask())).Kind);
            Assert.Equal(["buckets.record"], Entries());
            Assert.Equal(BucketCreation.Created, await catalog.CreateAsync("photos"));
            Assert.Null(await catalog.Stores["photos"].StatAsync(Key));
            Assert.Equal(BucketDeletion.Deleted, await catalog.DeleteAsync("photos"));
        }

        await using StoreCatalog next = await OpenAsync();
        Assert.Empty(next.Stores);
    }

    [Fact]
    public async Task An_upload_under_way_keeps_its_bucket()
    {
        await using StoreCatalog catalog = await OpenAsync();
        await catalog.CreateAsync("photos");
        Assert.True(catalog.Stores["photos"].TryGetFacet(out IMultipartUploads? uploads));
        MultipartUpload upload = await uploads.CreateAsync(Key);
        Assert.Equal(BucketDeletion.NotEmpty, await catalog.DeleteAsync("photos"));
        await uploads.AbortAsync(Key, upload.Id);
        Assert.Equal(BucketDeletion.Deleted, await catalog.DeleteAsync("photos"));
    }

    [Theory]
    [InlineData("ab")]
    [InlineData("Photos")]
    [InlineData("a_b")]
    [InlineData("_strata")]
    [InlineData("-ab")]
    [InlineData("ab-")]
    [InlineData("a..b")]
    [InlineData("../x")]
    [InlineData("a/b")]
    [InlineData("10.0.0.1")]
    [InlineData("")]
    [InlineData("abc\n")]
    [InlineData("bücher")]
    public async Task A_name_that_no_bucket_can_have_is_refused(string name)
    {
        await using StoreCatalog catalog = await OpenAsync();
        Assert.Equal(BucketCreation.InvalidName, await catalog.CreateAsync(name));
        Assert.Equal(BucketCreation.InvalidName, await catalog.CreateAsync(new string('a', 64)));
        Assert.False(Directory.Exists(Buckets));
    }

    [Fact]
    public async Task Stores_of_the_configuration_are_neither_made_nor_removed()
    {
        var settings = new StrataSettings
        {
            Data = _folder.Path,
            Buckets = new BucketSettings { Create = true, Max = 1 },
            Stores = new Dictionary<string, StoreSettings> { ["main"] = new() { Name = "main", Setting = "x", Tiers = [new TierSettings { Name = "o", Url = "memory:" }] } },
        };
        await using (StoreCatalog catalog = await StoreCatalog.OpenAsync(settings))
        {
            Assert.Equal(BucketCreation.Exists, await catalog.CreateAsync("main"));
            Assert.Equal(BucketDeletion.NotAllowed, await catalog.DeleteAsync("main"));
            Assert.Equal(BucketCreation.Created, await catalog.CreateAsync("one"));
            Assert.Equal(BucketCreation.Exists, await catalog.CreateAsync("one"));
            Assert.Equal(BucketCreation.TooMany, await catalog.CreateAsync("two"));
        }

        settings = settings with { Stores = new Dictionary<string, StoreSettings> { ["one"] = settings.Stores["main"] with { Name = "one" } } };
        StrataConfigurationException twice = await Assert.ThrowsAsync<StrataConfigurationException>(() => StoreCatalog.OpenAsync(settings).AsTask());
        Assert.Equal("Strata:Stores:one", twice.Setting);
        Assert.Null(DataFolder.FindOwner(_folder.Path));
    }

    [Fact]
    public async Task A_folder_that_a_cut_creation_or_deletion_left_is_not_served_and_gives_way()
    {
        await using (StoreCatalog catalog = await OpenAsync())
        {
            await catalog.CreateAsync("kept");
            await catalog.CreateAsync("left");
            await catalog.Stores["left"].PutBytesAsync(Key, new byte[3]);
        }

        // As if the process had ended behind the record's replacement: 'left' is no longer recorded, its folder is there.
        string folder = Path.Combine(Buckets, "left"), aside = _folder.Sub("aside");
        Directory.Move(folder, aside);
        await using (StoreCatalog catalog = await OpenAsync())
        {
            Assert.Equal(BucketDeletion.Deleted, await catalog.DeleteAsync("left"));
        }

        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        Directory.Move(aside, folder);
        Directory.CreateDirectory(Path.Combine(Buckets, ".removed-1", "sub"));
        await File.WriteAllTextAsync(Record + ".new", "half of a record");
        Directory.CreateDirectory(Path.Combine(Buckets, "empty"));

        await using StoreCatalog next = await OpenAsync();
        Assert.Equal(["kept"], next.Stores.Keys);
        Assert.False(Directory.Exists(Path.Combine(Buckets, ".removed-1")));
        Assert.True(Directory.Exists(folder), "a start removes nothing that could still be wanted");
        Assert.Equal(BucketCreation.Created, await next.CreateAsync("left"));
        Assert.Null(await next.Stores["left"].StatAsync(Key));
        Assert.Equal(BucketCreation.Created, await next.CreateAsync("empty"));
        Assert.Equal(["buckets.record", "empty", "kept", "left"], Entries());
    }

    [Fact]
    public async Task A_folder_that_is_no_buckets_is_left_alone()
    {
        string foreign = Path.Combine(Buckets, "mine", "precious");
        Directory.CreateDirectory(Path.GetDirectoryName(foreign)!);
        await File.WriteAllTextAsync(foreign, "x");
        await using StoreCatalog catalog = await OpenAsync();
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => catalog.CreateAsync("mine").AsTask());
        Assert.Contains("no bucket's", e.Message);
        Assert.Empty(catalog.Stores);
        Assert.Equal("x", await File.ReadAllTextAsync(foreign));
    }

    [Fact]
    public async Task A_damaged_record_is_reported_and_never_read_as_another()
    {
        await using (StoreCatalog catalog = await OpenAsync())
        {
            await catalog.CreateAsync("one");
            await catalog.CreateAsync("two");
        }

        byte[] whole = await File.ReadAllBytesAsync(Record);
        for (int length = 0; length < whole.Length; length++) await RefusedAsync(whole[..length], $"cut to {length} bytes");
        for (int at = 0; at < whole.Length; at++)
        {
            byte[] flipped = [.. whole];
            flipped[at] ^= 0x10;
            await RefusedAsync(flipped, $"byte {at} flipped");
        }

        byte[] newer = [.. whole];
        newer[4] = 2;
        BinaryPrimitives.WriteUInt32LittleEndian(newer.AsSpan(newer.Length - 4), Crc32C.Of(newer.AsSpan(0, newer.Length - 4)));
        await File.WriteAllBytesAsync(Record, newer);
        Assert.Equal(StorageErrorKind.Unsupported, (await Assert.ThrowsAsync<StorageException>(() => OpenAsync().AsTask())).Kind);

        await File.WriteAllBytesAsync(Record, whole);
        await using StoreCatalog next = await OpenAsync();
        Assert.Equal(["one", "two"], next.Stores.Keys);

        async Task RefusedAsync(byte[] record, string damage)
        {
            await File.WriteAllBytesAsync(Record, record);
            StorageException? e = await Xunit.Record.ExceptionAsync(() => OpenAsync().AsTask()) as StorageException;
            Assert.True(e?.Kind == StorageErrorKind.Corrupt, damage);
        }
    }

    /// <summary>The format is a promise (docs/formats/buckets.md): these bytes are read by every later version.</summary>
    [Fact]
    public async Task The_record_has_the_documented_format()
    {
        await using (StoreCatalog catalog = await OpenAsync()) await catalog.CreateAsync("photos");
        Assert.Equal("53424B54010000000100000000A8DA769B0100000670686F746F73", Convert.ToHexString((await File.ReadAllBytesAsync(Record))[..^4]));
    }

    [Fact]
    public async Task A_record_that_cannot_be_written_leaves_everything_as_it_was()
    {
        await using StoreCatalog catalog = await OpenAsync();
        await catalog.CreateAsync("photos");
        Directory.CreateDirectory(Record + ".new");
        await Assert.ThrowsAsync<StorageException>(() => catalog.DeleteAsync("photos").AsTask());
        await catalog.Stores["photos"].PutBytesAsync(Key, new byte[1]);
        await Assert.ThrowsAsync<StorageException>(() => catalog.CreateAsync("more").AsTask());
        Assert.Equal(["photos"], catalog.Stores.Keys);
        Directory.Delete(Record + ".new");
        Assert.Equal(BucketCreation.Created, await catalog.CreateAsync("more"));
    }

    [Fact]
    public async Task A_bucket_whose_record_is_in_doubt_takes_no_writes()
    {
        await using (StoreCatalog catalog = await OpenAsync())
        {
            await catalog.CreateAsync("photos");
            byte[] record = await File.ReadAllBytesAsync(Record);

            // The rename onto a folder fails, and nobody can say whether it was done.
            File.Delete(Record);
            Directory.CreateDirectory(Record);
            StorageException e = await Assert.ThrowsAsync<StorageException>(() => catalog.DeleteAsync("photos").AsTask());
            Assert.Equal(WriteOutcome.Unknown, e.Outcome);
            StorageException refused = await Assert.ThrowsAsync<StorageException>(() => catalog.Stores["photos"].PutBytesAsync(Key, new byte[1]).AsTask());
            Assert.Equal(StorageErrorKind.Changed, refused.Kind);
            Directory.Delete(Record);
            await File.WriteAllBytesAsync(Record, record);
        }

        await using StoreCatalog next = await OpenAsync();
        await next.Stores["photos"].PutBytesAsync(Key, new byte[1]);
    }

    [Fact]
    public async Task A_deletion_waits_for_a_write_under_way_and_then_finds_it()
    {
        await using StoreCatalog catalog = await OpenAsync();
        await catalog.CreateAsync("photos");
        IBlobStore store = catalog.Stores["photos"];
        (Task<WriteResult> writing, Pipe pipe) = await WriteSlowlyAsync(store);
        Task<BucketDeletion> deleting = catalog.DeleteAsync("photos").AsTask();

        // Whoever comes meanwhile is told to come again.
        await UntilRefusedAsync(store);
        Assert.False(deleting.IsCompleted);
        await pipe.Writer.CompleteAsync();

        // The write's own commit comes during the pause: it is refused, and nobody was told that it is kept.
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => writing);
        Assert.Equal((StorageErrorKind.Changed, WriteOutcome.NotApplied), (e.Kind, e.Outcome));
        Assert.Equal(BucketDeletion.Deleted, await deleting);
    }

    [Fact]
    public async Task A_deletion_gives_up_on_what_does_not_end_and_the_bucket_goes_on()
    {
        await using StoreCatalog catalog = await OpenAsync();
        await catalog.CreateAsync("photos");
        IBlobStore store = catalog.Stores["photos"];
        (Task<WriteResult> writing, Pipe pipe) = await WriteSlowlyAsync(store);
        Task<BucketDeletion> deleting = catalog.DeleteAsync("photos").AsTask();
        await UntilRefusedAsync(store);
        _clock.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal(BucketDeletion.Busy, await deleting);
        using (var gone = new CancellationTokenSource())
        {
            Task<BucketDeletion> cancelled = catalog.DeleteAsync("photos", gone.Token).AsTask();
            await UntilRefusedAsync(store);
            await gone.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        }

        await pipe.Writer.CompleteAsync();
        Assert.True((await writing).IsWritten);
        Assert.Equal(BucketDeletion.NotEmpty, await catalog.DeleteAsync("photos"));
    }

    [Fact]
    public async Task A_writer_that_was_opened_before_a_deletion_commits_nothing_behind_it()
    {
        await using StoreCatalog catalog = await OpenAsync();
        await catalog.CreateAsync("photos");
        await using IBlobWriter writer = await catalog.Stores["photos"].OpenWriterAsync(Key);
        await writer.WriteAsync(new byte[100_000], default);
        Assert.Equal(BucketDeletion.Deleted, await catalog.DeleteAsync("photos"));
        await Assert.ThrowsAsync<StorageException>(() => writer.CommitAsync(null, default).AsTask());
    }

    [Fact]
    public async Task No_acknowledged_write_is_lost_by_a_deletion()
    {
        await using StoreCatalog catalog = await OpenAsync();
        int deleted = 0, kept = 0;
        for (int round = 0; round < 30; round++)
        {
            Assert.Equal(BucketCreation.Created, await catalog.CreateAsync("race"));
            IBlobStore store = catalog.Stores["race"];
            var acknowledged = new ConcurrentBag<string>();
            using var start = new Barrier(5);
            Task[] writers = [.. Enumerable.Range(0, 4).Select(i => Task.Run(async () =>
            {
                start.SignalAndWait();
                try
                {
                    string key = $"k{i}";
                    if (i == 0) await store.PutBytesAsync(BlobKey.Parse(key), new byte[10]);
                    else if (i == 1) await store.WriteAsync(BlobKey.Parse(key), BlobContent.FromStream(new MemoryStream(new byte[10])));
                    else if (i == 2 && store.TryGetFacet(out IMultipartUploads? uploads)) key = (await uploads.CreateAsync(BlobKey.Parse("up"))).Id;
                    else await store.PutBytesAsync(BlobKey.Parse(key), new byte[100_000]);
                    acknowledged.Add(key);
                }
                catch (StorageException e) when (e.Kind is StorageErrorKind.Closed or StorageErrorKind.Changed)
                {
                    // Refused: nobody was told that it is kept.
                }
            }))];
            start.SignalAndWait();
            BucketDeletion result = await catalog.DeleteAsync("race");
            await Task.WhenAll(writers);
            if (result == BucketDeletion.Deleted)
            {
                deleted++;
                Assert.True(acknowledged.IsEmpty, $"round {round}: the bucket was deleted with {string.Join(", ", acknowledged)}, which were acknowledged");
                continue;
            }

            kept++;
            Assert.Equal(BucketDeletion.NotEmpty, result);
            foreach (string key in acknowledged.Where(k => k[0] == 'k')) Assert.NotNull(await store.StatAsync(BlobKey.Parse(key)));
            Assert.True(store.TryGetFacet(out IMultipartUploads? open));
            foreach (MultipartUpload upload in await open.ListUploadsAsync(new UploadListRequest())) await open.AbortAsync(upload.Key, upload.Id);
            await store.DeleteManyAsync([.. Enumerable.Range(0, 4).Select(i => BlobKey.Parse($"k{i}"))]);
            Assert.Equal(BucketDeletion.Deleted, await catalog.DeleteAsync("race"));
        }

        TestContext.Current.TestOutputHelper!.WriteLine($"{deleted} deleted, {kept} kept");
    }

    [Fact]
    public async Task The_table_can_be_read_while_buckets_come_and_go()
    {
        await using StoreCatalog catalog = await OpenAsync(new BucketSettings { Create = true, Max = 1000 });
        using var done = new CancellationTokenSource();
        Task reader = Task.Run(() =>
        {
            while (!done.IsCancellationRequested)
            {
                foreach ((string name, IBlobStore store) in catalog.Stores)
                {
                    Assert.NotEmpty(name);
                    if (store.TryGetFacet(out ITierInspection? tiers)) Assert.Equal(2, tiers.GetTierStatistics().Count);
                }
            }
        });
        await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(async () =>
        {
            for (int round = 0; round < 5; round++)
            {
                Assert.Equal(BucketCreation.Created, await catalog.CreateAsync($"bucket-{i}"));
                Assert.Equal(BucketDeletion.Deleted, await catalog.DeleteAsync($"bucket-{i}"));
            }
        })));
        await done.CancelAsync();
        await reader;
        Assert.Empty(catalog.Stores);
    }

    private static async Task UntilRefusedAsync(IBlobStore store)
    {
        while (true)
        {
            try
            {
                await store.ListPageAsync(new ListRequest());
                await Task.Yield();
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.Changed)
            {
                return;
            }
        }
    }

    /// <summary>A write that is under way, in the middle of its content, when the call returns.</summary>
    private static async Task<(Task<WriteResult> Writing, Pipe Content)> WriteSlowlyAsync(IBlobStore store)
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1));
        Task<WriteResult> writing = store.WriteAsync(Key, BlobContent.FromStream(pipe.Reader.AsStream())).AsTask();

        // Flushing comes to its end when the store has read.
        await pipe.Writer.WriteAsync(new byte[10]);
        return (writing, pipe);
    }

    private string[] Entries() => [.. Directory.EnumerateFileSystemEntries(Buckets).Select(e => Path.GetFileName(e)).Order(StringComparer.Ordinal)];

    private ValueTask<StoreCatalog> OpenAsync(BucketSettings? buckets = null) =>
        StoreCatalog.OpenAsync(new StrataSettings { Data = _folder.Path, Buckets = buckets ?? new BucketSettings { Create = true } }, context: new StoreContext { Clock = _clock });
}
