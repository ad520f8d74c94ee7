using System.Diagnostics.CodeAnalysis;
using Xunit;

namespace Strata.Testing;

/// <content>Uploads in parts: nothing before the completion, all of it after, and an upload that goes on after every refusal.</content>
public abstract partial class BlobStoreConformance
{
    [Fact]
    public void Uploads_in_parts_are_there_where_the_capabilities_say_so() =>
        Assert.Equal(Capabilities.MultipartUploads, Store.TryGetFacet(out IMultipartUploads? _));

    [Fact]
    public async Task Parts_that_come_in_any_order_become_the_blob_in_the_order_of_their_numbers()
    {
        if (!HasUploads(out IMultipartUploads? uploads)) return;
        DateTimeOffset expires = After(60_000);
        var options = new WriteOptions { ContentType = "text/plain", ContentEncoding = "x", Metadata = new Dictionary<string, string> { ["a"] = "1" }, Expires = expires };
        MultipartUpload upload = await uploads.CreateAsync(Key("a/b"), options);
        byte[][] parts = [Bytes(UpTo(300_000) / 3, 1), Bytes(1, 2), [], Bytes(UpTo(300_000) / 2, 4)];
        int[] numbers = [3, 7, 8, 10_000];
        var kept = new PartReference[4];
        foreach (int i in (int[])[3, 0, 2, 1]) kept[i] = await PartAsync(uploads, upload, numbers[i], parts[i]);
        await AssertMissingAsync("a/b");

        CompleteResult result = await uploads.CompleteAsync(upload.Key, upload.Id, kept);
        Assert.Equal(CompleteStatus.Completed, result.Status);
        byte[] whole = [.. parts.SelectMany(p => p)];
        AssertSame(result.Info!, await StatAsync("a/b"));
        Assert.Equal(whole.Length, result.Info!.Length);
        Assert.Equal(Crc32C.Of(whole), result.Info.Checksum);
        Assert.Equal("text/plain", result.Info.ContentType);
        Assert.Equal("x", result.Info.ContentEncoding);
        Assert.Equal("1", result.Info.Metadata["a"]);
        Assert.Equal(expires, result.Info.Expires);
        await AssertHoldsAsync("a/b", whole);
        Assert.Equal(["a/b"], await KeysAsync());
        Assert.Empty(await uploads.ListUploadsAsync(new UploadListRequest()));
        Assert.Null(await uploads.FindAsync(upload.Key, upload.Id));
    }

    [Fact]
    public async Task What_a_completion_tells_is_kept_with_the_blob()
    {
        if (!HasUploads(out IMultipartUploads? uploads)) return;
        MultipartUpload upload = await uploads.CreateAsync(Key("a"), new WriteOptions { Metadata = new Dictionary<string, string> { ["begun"] = "1" } });
        byte[] bytes = Bytes(100);
        PartReference part = await PartAsync(uploads, upload, 1, bytes);
        CompleteResult result = await uploads.CompleteAsync(upload.Key, upload.Id, [part], new CompleteOptions
        {
            ETag = "md5-1", Checksum = Crc32C.Of(bytes), Metadata = new Dictionary<string, string> { ["told"] = "2" },
        });
        Assert.Equal(CompleteStatus.Completed, result.Status);
        BlobInfo info = await StatAsync("a");
        Assert.Equal("md5-1", info.ETag);
        Assert.Equal(new Dictionary<string, string> { ["told"] = "2" }, info.Metadata);
        Assert.Equal(Clock.GetUtcNow(), info.Modified);
    }

    [Fact]
    public async Task Ranges_of_a_completed_blob_cross_its_parts()
    {
        if (!HasUploads(out IMultipartUploads? uploads)) return;
        int[] lengths = [1, 70_000, 65_536, 3, UpTo(400_000) - 150_000];
        byte[] whole = Bytes(lengths.Sum());
        await UploadAsync(uploads, "a", whole, lengths);
        var random = new Random(1);
        for (int run = 0; run < 60; run++)
        {
            int offset = run switch { 0 => 0, 1 => 1, 2 => 70_001, 3 => 70_000, _ => random.Next(whole.Length) };
            int length = Math.Min(whole.Length - offset, run % 3 == 0 ? random.Next(1, 10) : random.Next(1, whole.Length));
            await using BlobReadResult? read = await Store.ReadAsync(Key("a"), new ReadOptions { Range = BlobRange.From(offset, length) });
            AssertBytes(whole.AsSpan(offset, length).ToArray(), await DrainAsync(read!));
        }
    }

    [Fact]
    public async Task A_part_that_comes_again_replaces_the_older_one()
    {
        if (!HasUploads(out IMultipartUploads? uploads)) return;
        MultipartUpload upload = await uploads.CreateAsync(Key("a"));
        PartReference old = await PartAsync(uploads, upload, 1, Bytes(500, 1)), next = await PartAsync(uploads, upload, 1, Bytes(300, 2));
        Assert.NotEqual(old.ETag, next.ETag);
        UploadedPart listed = Assert.Single((await uploads.ListPartsAsync(upload.Key, upload.Id))!);
        Assert.Equal((1, 300L, next.ETag, Crc32C.Of(Bytes(300, 2))), (listed.Number, listed.Length, listed.ETag, listed.Checksum));
        Assert.Equal(new CompleteResult(CompleteStatus.InvalidPart, null, 1), await uploads.CompleteAsync(upload.Key, upload.Id, [old]));
        await AssertMissingAsync("a");
        Assert.Equal(CompleteStatus.Completed, (await uploads.CompleteAsync(upload.Key, upload.Id, [next])).Status);
        await AssertHoldsAsync("a", Bytes(300, 2));
    }

    [Fact]
    public async Task A_refused_completion_leaves_the_upload_as_it_was()
    {
        if (!HasUploads(out IMultipartUploads? uploads)) return;
        BlobInfo there = await PutAsync("a", 9);
        MultipartUpload upload = await uploads.CreateAsync(Key("a"));
        PartReference first = await PartAsync(uploads, upload, 1, Bytes(100, 1)), second = await PartAsync(uploads, upload, 2, Bytes(100, 2));
        Assert.Equal(7, (await uploads.CompleteAsync(upload.Key, upload.Id, [first, new PartReference(7, "x")])).InvalidPart);
        Assert.Equal(2, (await uploads.CompleteAsync(upload.Key, upload.Id, [first, second with { ETag = "other" }])).InvalidPart);
        await FailsAsync(StorageErrorKind.Corrupt, async () => await uploads.CompleteAsync(upload.Key, upload.Id, [first, second], new CompleteOptions { Checksum = 1 }));
        foreach (WriteCondition condition in (WriteCondition[])[WriteCondition.IfAbsent, WriteCondition.IfMatch("other")])
        {
            if (!Claims(condition.Kind)) continue;
            CompleteResult refused = await uploads.CompleteAsync(upload.Key, upload.Id, [first, second], new CompleteOptions { Condition = condition });
            Assert.Equal(CompleteStatus.PreconditionFailed, refused.Status);
        }

        AssertSame(there, await StatAsync("a"));
        await AssertHoldsAsync("a", Bytes(100, 9));
        Assert.Equal(2, (await uploads.FindAsync(upload.Key, upload.Id))!.Parts);
        var holds = new CompleteOptions { Condition = Claims(WriteConditionKind.IfMatch) ? WriteCondition.IfMatch(there.ETag) : default };
        CompleteResult completed = await uploads.CompleteAsync(upload.Key, upload.Id, [first, second], holds);
        Assert.Equal(CompleteStatus.Completed, completed.Status);
        Assert.True(completed.Info!.Version > there.Version, "the completion is a newer write");
        await AssertHoldsAsync("a", [.. Bytes(100, 1), .. Bytes(100, 2)]);
    }

    [Fact]
    public async Task Parts_that_a_completion_does_not_name_are_dropped()
    {
        if (!HasUploads(out IMultipartUploads? uploads)) return;
        MultipartUpload upload = await uploads.CreateAsync(Key("a"));
        await PartAsync(uploads, upload, 1, Bytes(100, 1));
        PartReference second = await PartAsync(uploads, upload, 2, Bytes(200, 2));
        await uploads.CompleteAsync(upload.Key, upload.Id, [second]);
        await AssertHoldsAsync("a", Bytes(200, 2));
    }

    [Fact]
    public async Task An_upload_that_is_not_there_is_an_answer()
    {
        if (!HasUploads(out IMultipartUploads? uploads)) return;
        MultipartUpload upload = await uploads.CreateAsync(Key("a"));
        PartReference part = await PartAsync(uploads, upload, 1, Bytes(10));
        foreach ((BlobKey key, string id) in new[] { (Key("b"), upload.Id), (Key("a"), "0"), (Key("a"), "../" + upload.Id), (Key("a"), ""), (Key("a"), new string('x', 5000)) })
        {
            Assert.Null(await uploads.FindAsync(key, id));
            Assert.Null(await uploads.OpenPartAsync(key, id, 1));
            Assert.Null(await uploads.ListPartsAsync(key, id));
            Assert.Equal(CompleteStatus.Missing, (await uploads.CompleteAsync(key, id, [part])).Status);
            Assert.False(await uploads.AbortAsync(key, id));
        }

        Assert.NotNull(await uploads.FindAsync(upload.Key, upload.Id));
    }

    [Fact]
    public async Task An_aborted_upload_takes_nothing_more_and_leaves_nothing()
    {
        if (!HasUploads(out IMultipartUploads? uploads)) return;
        MultipartUpload upload = await uploads.CreateAsync(Key("a"));
        PartReference part = await PartAsync(uploads, upload, 1, Bytes(1000));
        await using IBlobWriter? writing = await uploads.OpenPartAsync(upload.Key, upload.Id, 2);
        await writing!.WriteAsync(Bytes(1000), CancellationToken.None);
        Assert.True(await uploads.AbortAsync(upload.Key, upload.Id));
        Assert.Equal(WriteStatus.Missing, (await writing.CommitAsync(null, CancellationToken.None)).Status);
        Assert.False(await uploads.AbortAsync(upload.Key, upload.Id));
        Assert.Equal(CompleteStatus.Missing, (await uploads.CompleteAsync(upload.Key, upload.Id, [part])).Status);
        Assert.Empty(await uploads.ListUploadsAsync(new UploadListRequest()));
        await AssertMissingAsync("a");
        if (Store.TryGetFacet(out IStoreStatistics? statistics)) Assert.Equal(0, statistics.GetStatistics().Bytes);
    }

    [Fact]
    public async Task A_part_writer_that_is_disposed_leaves_nothing()
    {
        if (!HasUploads(out IMultipartUploads? uploads)) return;
        MultipartUpload upload = await uploads.CreateAsync(Key("a"));
        PartReference kept = await PartAsync(uploads, upload, 1, Bytes(100, 1));
        await using (IBlobWriter? writer = await uploads.OpenPartAsync(upload.Key, upload.Id, 1))
        {
            await writer!.WriteAsync(Bytes(UpTo(200_000), 2), CancellationToken.None);
            Assert.Equal(UpTo(200_000), writer.Length);
        }

        Assert.Equal(kept.ETag, Assert.Single((await uploads.ListPartsAsync(upload.Key, upload.Id))!).ETag);
        await FailsAsync(StorageErrorKind.Corrupt, async () =>
        {
            await using IBlobWriter? writer = await uploads.OpenPartAsync(upload.Key, upload.Id, 1);
            await writer!.WriteAsync(Bytes(10), CancellationToken.None);
            await writer.CommitAsync(new CommitOptions { Checksum = 1 }, CancellationToken.None);
        });
        Assert.Equal(CompleteStatus.Completed, (await uploads.CompleteAsync(upload.Key, upload.Id, [kept])).Status);
        await AssertHoldsAsync("a", Bytes(100, 1));
    }

    [Fact]
    public async Task What_a_part_tells_at_its_commit_is_listed()
    {
        if (!HasUploads(out IMultipartUploads? uploads)) return;
        MultipartUpload upload = await uploads.CreateAsync(Key("a"));
        await using IBlobWriter? writer = await uploads.OpenPartAsync(upload.Key, upload.Id, 5);
        await writer!.WriteAsync(Bytes(10), CancellationToken.None);
        var told = new Dictionary<string, string> { ["sum"] = "abc" };
        WriteResult result = await writer.CommitAsync(new CommitOptions { ETag = "md5", Metadata = told }, CancellationToken.None);
        Assert.Equal(("md5", 10L), (result.Info!.ETag, result.Info.Length));
        Assert.Equal(told, result.Info.Metadata);
        UploadedPart part = Assert.Single((await uploads.ListPartsAsync(upload.Key, upload.Id))!);
        Assert.Equal((5, 10L, "md5", Clock.GetUtcNow()), (part.Number, part.Length, part.ETag, part.Modified));
        Assert.Equal(told, part.Metadata);
    }

    [Fact]
    public async Task Parts_and_uploads_are_listed_in_order_page_by_page()
    {
        if (!HasUploads(out IMultipartUploads? uploads)) return;
        var begun = new List<MultipartUpload>();
        foreach (string key in (string[])["b", "a/2", "a/1", "b", "c", "b"])
        {
            begun.Add(await uploads.CreateAsync(Key(key)));
            Tick();
        }

        string[] expected = [.. begun.OrderBy(u => u.Key).ThenBy(u => u.Created).Select(u => u.Id)];
        var listed = new List<string>();
        var request = new UploadListRequest { Limit = 2 };
        while (await uploads.ListUploadsAsync(request) is { Count: > 0 } page)
        {
            listed.AddRange(page.Select(u => u.Id));
            request = request with { AfterKey = page[^1].Key.Value, AfterId = page[^1].Id };
        }

        Assert.Equal(expected, listed);
        Assert.Equal(["a/1", "a/2"], (await uploads.ListUploadsAsync(new UploadListRequest { Prefix = "a/" })).Select(u => u.Key.Value));
        Assert.Equal(["c"], (await uploads.ListUploadsAsync(new UploadListRequest { AfterKey = "b" })).Select(u => u.Key.Value));

        foreach (int number in (int[])[4, 1, 10_000, 3]) await PartAsync(uploads, begun[0], number, Bytes(number % 7));
        Assert.Equal([1, 3], (await uploads.ListPartsAsync(begun[0].Key, begun[0].Id, 0, 2))!.Select(p => p.Number));
        Assert.Equal([4, 10_000], (await uploads.ListPartsAsync(begun[0].Key, begun[0].Id, 3))!.Select(p => p.Number));
        MultipartUpload found = (await uploads.FindAsync(begun[0].Key, begun[0].Id))!;
        Assert.Equal((4, 4L + 1 + 4 + 3), (found.Parts, found.Bytes));
        Assert.Equal((begun[0].Created, Clock.GetUtcNow()), (found.Created, found.Touched));
    }

    [Fact]
    public async Task Of_two_completions_at_once_one_completes()
    {
        if (!HasUploads(out IMultipartUploads? uploads)) return;
        for (int run = 0; run < 10; run++)
        {
            MultipartUpload upload = await uploads.CreateAsync(Key($"k{run}"));
            PartReference part = await PartAsync(uploads, upload, 1, Bytes(100, run));
            CompleteResult[] results = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () => await uploads.CompleteAsync(upload.Key, upload.Id, [part]))));
            Assert.Single(results, r => r.Status == CompleteStatus.Completed);
            Assert.Equal(3, results.Count(r => r.Status == CompleteStatus.Missing));
            await AssertHoldsAsync($"k{run}", Bytes(100, run));
        }
    }

    [Fact]
    public async Task A_completion_and_an_abort_at_once_agree()
    {
        if (!HasUploads(out IMultipartUploads? uploads)) return;
        for (int run = 0; run < 20; run++)
        {
            MultipartUpload upload = await uploads.CreateAsync(Key($"k{run}"));
            PartReference part = await PartAsync(uploads, upload, 1, Bytes(100, run));
            Task<CompleteResult> complete = Task.Run(async () => await uploads.CompleteAsync(upload.Key, upload.Id, [part]));
            bool aborted = await Task.Run(async () => await uploads.AbortAsync(upload.Key, upload.Id));
            Assert.Equal(aborted ? CompleteStatus.Missing : CompleteStatus.Completed, (await complete).Status);
            if (aborted) await AssertMissingAsync($"k{run}");
            else await AssertHoldsAsync($"k{run}", Bytes(100, run));
        }
    }

    [Fact]
    public async Task Readers_see_the_old_blob_or_the_completed_one()
    {
        if (!HasUploads(out IMultipartUploads? uploads)) return;
        int length = UpTo(300_000);
        await PutAsync("a", Bytes(length, 1));
        byte[][] states = [Bytes(length, 1), .. Enumerable.Range(2, 6).Select(i => Bytes(length, i))];
        using var done = new CancellationTokenSource();
        Task[] readers = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
            {
                byte[]? read = await ReadAsync("a");
                Assert.True(read is not null && states.Any(s => s.AsSpan().SequenceEqual(read)), "a reader saw a mixture, or nothing");
            }
        }))];
        for (int i = 1; i < states.Length; i++)
        {
            if (i % 3 == 0) await PutAsync("a", states[i]);
            else await UploadAsync(uploads, "a", states[i], [length / 2, length - (length / 2)]);
        }

        await done.CancelAsync();
        await Task.WhenAll(readers);
        await AssertHoldsAsync("a", states[^1]);
    }

    [Fact]
    public async Task A_completed_blob_is_a_blob_like_any_other()
    {
        if (!HasUploads(out IMultipartUploads? uploads)) return;
        int[] lengths = [70_000, 100, 80_000];
        byte[] whole = Bytes(lengths.Sum());
        BlobInfo completed = await UploadAsync(uploads, "a", whole, lengths);
        WriteResult updated = await Store.UpdateAsync(Key("a"), new BlobChanges { ContentType = "text/new" });
        Assert.Equal(("text/new", completed.Length), (updated.Info!.ContentType, updated.Info.Length));
        await AssertHoldsAsync("a", whole);
        Assert.True((await Store.CopyAsync(Key("a"), Key("b"))).IsWritten);
        await AssertHoldsAsync("b", whole);
        await PutAsync("a", Bytes(50, 3));
        await AssertHoldsAsync("a", Bytes(50, 3));
        await UploadAsync(uploads, "a", whole, lengths);
        await using (BlobReadResult? reading = await Store.ReadAsync(Key("a")))
        {
            Assert.Equal(DeleteStatus.Deleted, (await Store.DeleteAsync(Key("a"))).Status);
            AssertBytes(whole, await DrainAsync(reading!));
        }

        await AssertMissingAsync("a");
        await UploadAsync(uploads, "a", whole, lengths);
        await AssertHoldsAsync("a", whole);
        await Store.UpdateAsync(Key("a"), new BlobChanges { Expires = After(10) });
        Tick(10);
        await AssertMissingAsync("a");
        await AssertHoldsAsync("b", whole);
    }

    [Fact]
    public async Task An_upload_that_nobody_touches_for_a_month_is_gone()
    {
        if (!HasUploads(out IMultipartUploads? uploads)) return;
        MultipartUpload left = await uploads.CreateAsync(Key("a"));
        PartReference part = await PartAsync(uploads, left, 1, Bytes(1000));
        Tick(TimeSpan.FromDays(30).TotalMilliseconds);
        MultipartUpload fresh = await uploads.CreateAsync(Key("a"));
        Assert.Null(await uploads.FindAsync(left.Key, left.Id));
        Assert.Equal(CompleteStatus.Missing, (await uploads.CompleteAsync(left.Key, left.Id, [part])).Status);
        Assert.Equal([fresh.Id], (await uploads.ListUploadsAsync(new UploadListRequest())).Select(u => u.Id));
    }

    [Fact]
    public async Task What_no_upload_can_mean_is_refused()
    {
        if (!HasUploads(out IMultipartUploads? uploads)) return;
        MultipartUpload upload = await uploads.CreateAsync(Key("a"));
        PartReference part = await PartAsync(uploads, upload, 1, Bytes(10));
        foreach (WriteOptions options in (WriteOptions[])[new() { Condition = WriteCondition.IfAbsent }, new() { ETag = "x" }, new() { Checksum = 1 }, new() { ContentType = "a\nb" }])
        {
            var refused = await Record.ExceptionAsync(async () => await uploads.CreateAsync(Key("a"), options));
            Assert.True(refused is ArgumentException or StorageException { Kind: StorageErrorKind.Unsupported }, $"{options} was taken: {refused}");
        }

        foreach (int number in (int[])[0, -1, 10_001])
        {
            await Assert.ThrowsAnyAsync<ArgumentException>(async () => await uploads.OpenPartAsync(upload.Key, upload.Id, number));
            await Assert.ThrowsAnyAsync<ArgumentException>(async () => await uploads.CompleteAsync(upload.Key, upload.Id, [new PartReference(number, "x")]));
        }

        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await uploads.CompleteAsync(upload.Key, upload.Id, []));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await uploads.CompleteAsync(upload.Key, upload.Id, [part, part]));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await uploads.ListUploadsAsync(new UploadListRequest { Limit = 0 }));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await uploads.ListPartsAsync(upload.Key, upload.Id, -1));
        Assert.Equal(CompleteStatus.Completed, (await uploads.CompleteAsync(upload.Key, upload.Id, [part])).Status);
    }

    [Fact]
    public async Task Uploads_of_a_disposed_store_are_closed()
    {
        if (!HasUploads(out IMultipartUploads? uploads)) return;
        MultipartUpload upload = await uploads.CreateAsync(Key("a"));
        await using IBlobWriter? writer = await uploads.OpenPartAsync(upload.Key, upload.Id, 1);
        await writer!.WriteAsync(Bytes(10), CancellationToken.None);
        await Store.DisposeAsync();
        await FailsAsync(StorageErrorKind.Closed, async () => await uploads.CreateAsync(Key("a")));
        await FailsAsync(StorageErrorKind.Closed, async () => await writer.CommitAsync(null, CancellationToken.None));
        await FailsAsync(StorageErrorKind.Closed, async () => await uploads.CompleteAsync(upload.Key, upload.Id, [new PartReference(1, "x")]));
    }

    private static async Task<PartReference> PartAsync(IMultipartUploads uploads, MultipartUpload upload, int number, byte[] bytes)
    {
        await using IBlobWriter? writer = await uploads.OpenPartAsync(upload.Key, upload.Id, number);
        Assert.NotNull(writer);
        int half = bytes.Length / 2;
        await writer.WriteAsync(bytes.AsMemory(0, half), CancellationToken.None);
        await writer.WriteAsync(bytes.AsMemory(half), CancellationToken.None);
        WriteResult result = await writer.CommitAsync(null, CancellationToken.None);
        Assert.Equal(WriteStatus.Written, result.Status);
        Assert.Equal((bytes.Length, Crc32C.Of(bytes)), ((int)result.Info!.Length, result.Info.Checksum));
        return new PartReference(number, result.Info.ETag);
    }

    /// <summary>Uploads a blob in parts of these lengths.</summary>
    private static async Task<BlobInfo> UploadAsync(IMultipartUploads uploads, string key, byte[] bytes, int[] lengths)
    {
        MultipartUpload upload = await uploads.CreateAsync(Key(key));
        var parts = new List<PartReference>();
        int offset = 0;
        for (int i = 0; i < lengths.Length; offset += lengths[i++]) parts.Add(await PartAsync(uploads, upload, i + 1, bytes.AsSpan(offset, lengths[i]).ToArray()));
        CompleteResult result = await uploads.CompleteAsync(upload.Key, upload.Id, parts);
        Assert.Equal(CompleteStatus.Completed, result.Status);
        return result.Info!;
    }

    /// <summary>False for a store that says that it has none; that it gives none is a test of its own.</summary>
    private bool HasUploads([NotNullWhen(true)] out IMultipartUploads? uploads) => Store.TryGetFacet(out uploads);
}
