using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Strata.Reliability;

/// <content>The operations.</content>
internal sealed partial class DiskHistory
{
    private const int Keys = 10, Large = (1 << 20) + 1;
    private int _operations;

    private static string Name(Random random) => string.Create(CultureInfo.InvariantCulture, $"a/{random.Next(Keys)}");

    /// <summary>Bytes that a number stands for.</summary>
    private static byte[] Bytes(int length, int number)
    {
        byte[] bytes = new byte[(length + 7) & -8];
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes.AsSpan());
        for (int i = 0; i < words.Length; i++) words[i] = ((ulong)(uint)number << 32 | (uint)i) * 0x9E3779B97F4A7C15;
        return bytes[..length];
    }

    private static (long Length, uint Checksum) Whole(IEnumerable<StoredPart> parts) =>
        parts.Aggregate((Length: 0L, Checksum: 0u), (whole, part) => (whole.Length + part.Length, Crc32C.Combine(whole.Checksum, part.Checksum, part.Length)));

    private Step Next(DiskBlobStore store)
    {
        string operation = string.Create(CultureInfo.InvariantCulture, $"{++_operations}");
        return _random.Next(100) switch
        {
            < 40 => Put(store, operation),
            < 50 => Update(store, operation),
            < 60 => Delete(store),
            < 64 => DeleteMany(store),
            < 71 => Copy(store, operation),
            < 77 => Create(store, operation),
            < 87 => Part(store),
            < 92 => Complete(store),
            < 94 => Abort(store),
            _ => List(store),
        };
    }

    private Step Put(DiskBlobStore store, string operation)
    {
        string key = Name(_random);
        int length = _random.Next(20) switch { 0 => _random.Next(Large, Large + 200_000), < 6 => _random.Next(4_000, 60_000), 6 => 0, _ => _random.Next(3_000) };
        byte[] bytes = Bytes(length, _operations);
        StoredBlob? there = Now.Blobs.GetValueOrDefault(key);
        (WriteCondition condition, bool holds) = Condition(there, isWrite: true);
        StoreState after = holds ? Last.Copy() : Last;
        var blob = new StoredBlob(operation, $"type/{_operations % 3}", length, Crc32C.Of(bytes)) { Files = length >= Large ? 1 : 0, Expires = _random.Next(8) == 0 ? Clock.GetUtcNow().AddSeconds(_random.Next(1, 120)) : null };
        if (holds) after.Blobs[key] = blob;
        Makes(blob);
        var options = new WriteOptions { ContentType = blob.ContentType, Metadata = Mark(operation), Expires = blob.Expires, Condition = condition };
        bool inPieces = _random.Next(2) == 0;
        return new Step($"put '{key}'", after, async () =>
        {
            WriteResult result = inPieces ? await WriteInPiecesAsync(store, BlobKey.Parse(key), bytes, options) : await store.PutBytesAsync(BlobKey.Parse(key), bytes, options);
            Settle(result, blob, holds ? WriteStatus.Written : WriteStatus.PreconditionFailed);
        });
    }

    private Step Update(DiskBlobStore store, string operation)
    {
        string key = Name(_random);
        StoredBlob? there = Now.Blobs.GetValueOrDefault(key);
        (WriteCondition condition, bool holds) = Condition(there, isWrite: false);
        bool changes = there is not null && holds;
        StoreState after = changes ? Last.Copy() : Last;
        StoredBlob? blob = there is null ? null : there with { Operation = operation, ContentType = "type/new", Version = default, ETag = null };
        if (changes) after.Blobs[key] = blob!;
        Makes(blob);
        return new Step($"update '{key}'", after, async () =>
        {
            WriteResult result = await store.UpdateAsync(BlobKey.Parse(key), new BlobChanges { ContentType = "type/new", Metadata = Mark(operation) }, condition);
            Settle(result, blob, there is null ? WriteStatus.Missing : holds ? WriteStatus.Written : WriteStatus.PreconditionFailed);
        });
    }

    private Step Delete(DiskBlobStore store)
    {
        string key = Name(_random);
        StoredBlob? there = Now.Blobs.GetValueOrDefault(key);
        (WriteCondition condition, bool holds) = Condition(there, isWrite: false);
        StoreState after = Last;
        if (there is not null && holds)
        {
            after = Last.Copy();
            after.Blobs.Remove(key);
        }

        return new Step($"delete '{key}'", after, async () =>
        {
            DeleteResult result = await store.DeleteAsync(BlobKey.Parse(key), condition);
            Assert.Equal(!holds ? DeleteStatus.PreconditionFailed : there is null ? DeleteStatus.Missing : DeleteStatus.Deleted, result.Status);
        });
    }

    private Step DeleteMany(DiskBlobStore store)
    {
        BlobKey[] keys = [.. Enumerable.Range(0, 4).Select(_ => BlobKey.Parse(Name(_random)))];
        StoreState after = Last.Copy();
        int deleted = 0;
        foreach (BlobKey key in keys.Distinct())
        {
            if (Now.Blobs.ContainsKey(key.Value)) deleted++;
            after.Blobs.Remove(key.Value);
        }

        return new Step($"delete {string.Join(", ", keys)}", after, async () =>
        {
            DeleteManyResult result = await store.DeleteManyAsync(keys);
            if (result.IsComplete) Assert.Equal(deleted, result.Deleted);
            else RefuseSome(result, after);
        });
    }

    /// <summary>When many at once are refused each is tried for itself, so that some may be gone and others not: what is told of each holds.</summary>
    private void RefuseSome(DeleteManyResult result, StoreState after)
    {
        DeleteOutcome[] failed = [.. result.Outcomes.Where(o => o.Error is not null)];
        HashSet<BlobKey> gone = [.. result.Outcomes.Where(o => o.Status == DeleteStatus.Deleted).Select(o => o.Key)];
        if (gone.Count > 0)
        {
            StoreState some = Last.Copy();
            foreach (BlobKey key in gone) some.Blobs.Remove(key.Value);
            _states.Add(some);
            Settled = _states.Count - 1;
        }

        // Of the others those whose outcome is unknown may be gone as well.
        HashSet<BlobKey> inDoubt = [.. failed.Where(o => o.Error!.Outcome == WriteOutcome.Unknown).Select(o => o.Key)];
        foreach ((string key, StoredBlob blob) in Last.Blobs)
        {
            if (!inDoubt.Contains(BlobKey.Parse(key))) after.Blobs[key] = blob;
        }

        StorageException error = (failed.FirstOrDefault(o => inDoubt.Contains(o.Key)).Error ?? failed[0].Error)!;
        throw new StorageException(error.Kind, error.Message, error) { Outcome = error.Outcome };
    }

    private Step Copy(DiskBlobStore store, string operation)
    {
        string source = Name(_random), target = Name(_random);
        StoredBlob? from = Now.Blobs.GetValueOrDefault(source);
        StoreState after = Last;
        StoredBlob? blob = null;
        if (from is not null)
        {
            after = Last.Copy();
            blob = new StoredBlob(operation, "type/copy", from.Length, from.Checksum) { Files = from.Length >= Large ? 1 : 0 };
            after.Blobs[target] = blob;
            Makes(blob);
        }

        return new Step($"copy '{source}' to '{target}'", after, async () =>
        {
            var options = new CopyOptions { Replace = new BlobChanges { ContentType = "type/copy", Metadata = Mark(operation) } };
            Settle(await store.CopyAsync(BlobKey.Parse(source), BlobKey.Parse(target), options), blob, from is null ? WriteStatus.Missing : WriteStatus.Written);
        });
    }

    private Step Create(DiskBlobStore store, string operation)
    {
        StoreState after = Last.Copy();
        var upload = new StoredUpload(operation, Name(_random), ImmutableSortedDictionary<int, StoredPart>.Empty);
        after.Uploads[operation] = upload;
        return new Step($"begin {upload}", after, async () => upload.Id = (await Uploads(store).CreateAsync(BlobKey.Parse(upload.Key), new WriteOptions { Metadata = Mark(operation) })).Id);
    }

    private Step Part(DiskBlobStore store)
    {
        if (Some() is not { } upload) return List(store);
        int number = _random.Next(1, 5), length = _random.Next(6) switch { 0 => 0, 1 => _random.Next(150_000, 300_000), _ => _random.Next(1, 20_000) };
        byte[] bytes = Bytes(length, _operations);
        var part = new StoredPart(length, Crc32C.Of(bytes));
        StoreState after = Last.Copy();
        after.Uploads[upload.Operation] = upload with { Parts = upload.Parts.SetItem(number, part) };
        return new Step($"part {number} of {upload}", after, async () =>
        {
            await using IBlobWriter? writer = await Uploads(store).OpenPartAsync(BlobKey.Parse(upload.Key), upload.Id!, number);
            await writer!.WriteAsync(bytes, CancellationToken.None);
            WriteResult result = await writer.CommitAsync(null, CancellationToken.None);
            Assert.True(result.IsWritten);
            part.ETag = result.Info!.ETag;
        });
    }

    private Step Complete(DiskBlobStore store)
    {
        if (Some() is not { Parts.Count: > 0 } upload) return List(store);
        KeyValuePair<int, StoredPart>[] named = [.. upload.Parts.Where(_ => _random.Next(3) > 0)];
        if (named.Length == 0) named = [upload.Parts.First()];
        (long length, uint checksum) = Whole(named.Select(p => p.Value));
        var blob = new StoredBlob(upload.Operation, null, length, checksum) { Files = named.Count(p => p.Value.Length > 0) };
        StoredBlob? there = Now.Blobs.GetValueOrDefault(upload.Key);
        (WriteCondition condition, bool holds) = Condition(there, isWrite: true);
        StoreState after = Last;
        if (holds)
        {
            after = Last.Copy();
            after.Uploads.Remove(upload.Operation);
            after.Blobs[upload.Key] = blob;
        }

        Makes(blob);
        return new Step($"complete {upload}", after, async () =>
        {
            CompleteResult result = await Uploads(store).CompleteAsync(
                BlobKey.Parse(upload.Key), upload.Id!, [.. named.Select(p => new PartReference(p.Key, p.Value.ETag!))], new CompleteOptions { Condition = condition });
            Assert.Equal(holds ? CompleteStatus.Completed : CompleteStatus.PreconditionFailed, result.Status);
            if (holds) (blob.Version, blob.ETag) = (result.Info!.Version, result.Info.ETag);
        });
    }

    private Step Abort(DiskBlobStore store)
    {
        if (Some() is not { } upload) return List(store);
        StoreState after = Last.Copy();
        after.Uploads.Remove(upload.Operation);
        return new Step($"abort {upload}", after, async () => Assert.True(await Uploads(store).AbortAsync(BlobKey.Parse(upload.Key), upload.Id!)));
    }

    private Step List(DiskBlobStore store)
    {
        StoreState now = Now;
        return new Step("list", Last, async () =>
        {
            string? difference = (await StoreState.ReadAsync(store)).Difference(now);
            Assert.True(difference is null, $"a listing shows what is not there, or not what is: {difference}, seed {seed}");
        });
    }

    /// <summary>A condition, and whether it holds for what is there.</summary>
    private (WriteCondition Condition, bool Holds) Condition(StoredBlob? there, bool isWrite) => (_random.Next(10), there) switch
    {
        (0, _) when isWrite => (WriteCondition.IfAbsent, there is null),
        (1, _) => (WriteCondition.IfMatch("other"), false),
        (2, { ETag: { } etag }) => (WriteCondition.IfMatch(etag), true),
        (3, { Version.IsKnown: true }) => (WriteCondition.IfOlder(there.Version), false),
        (4, { Version.IsKnown: true }) => (WriteCondition.IfOlder(there.Version.Next()), true),
        _ => (WriteCondition.None, true),
    };

    private static async Task<WriteResult> WriteInPiecesAsync(DiskBlobStore store, BlobKey key, byte[] bytes, WriteOptions options)
    {
        const int Piece = 90_000;
        await using IBlobWriter writer = await store.OpenWriterAsync(key, options);
        for (int at = 0; at < bytes.Length; at += Piece) await writer.WriteAsync(bytes.AsMemory(at, Math.Min(Piece, bytes.Length - at)), CancellationToken.None);
        return await writer.CommitAsync(null, CancellationToken.None);
    }

    private static void Settle(WriteResult result, StoredBlob? blob, WriteStatus expected)
    {
        Assert.Equal(expected, result.Status);
        if (result.IsWritten) (blob!.Version, blob.ETag) = (result.Info!.Version, result.Info.ETag);
    }

    private static Dictionary<string, string> Mark(string operation) => new(StringComparer.Ordinal) { ["op"] = operation };

    private static IMultipartUploads Uploads(DiskBlobStore store) => store.TryGetFacet(out IMultipartUploads? uploads) ? uploads : throw new InvalidOperationException("The store has no uploads.");

    private StoredUpload? Some() => Last.Uploads.Count == 0 ? null : Last.Uploads.Values.ElementAt(_random.Next(Last.Uploads.Count));

    /// <summary>Notes what readers may find from now on.</summary>
    private void Makes(StoredBlob? blob)
    {
        if (blob is not null) _made.TryAdd((blob.Operation, blob.Length, blob.Checksum), true);
    }
}
