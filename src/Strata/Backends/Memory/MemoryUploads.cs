using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;

namespace Strata;

/// <summary>Uploads in parts of a memory store. Their parts count against its capacity; completing copies them into one array.</summary>
internal sealed class MemoryUploads(MemoryBlobStore store, TimeProvider clock, TimeSpan expiry) : IMultipartUploads
{
    private readonly ConcurrentDictionary<string, MemoryUpload> _uploads = new(StringComparer.Ordinal);
    private long _number;

    public ValueTask<MultipartUpload> CreateAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        store.ThrowIfClosed("upload");
        UploadLimits.CheckCreate(store.Capabilities, key, options);
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<MultipartUpload>(cancellationToken);

        // The number keeps the order of those that were begun in one millisecond; the rest cannot be guessed.
        DateTimeOffset now = NewBlob.ToMilliseconds(clock.GetUtcNow());
        string id = string.Create(CultureInfo.InvariantCulture, $"{now.ToUnixTimeMilliseconds():x12}{Interlocked.Increment(ref _number):x8}")
            + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        var upload = new MemoryUpload(key, id, (options ?? new WriteOptions()) with { Metadata = NewBlob.Copy(options?.Metadata) }, now);
        _uploads[id] = upload;
        return new(upload.Describe());
    }

    public ValueTask<MultipartUpload?> FindAsync(BlobKey key, string uploadId, CancellationToken cancellationToken = default)
    {
        Enter(key, "upload", cancellationToken);
        return new(UnderWay(key, uploadId)?.Describe());
    }

    public ValueTask<IBlobWriter?> OpenPartAsync(BlobKey key, string uploadId, int number, CancellationToken cancellationToken = default)
    {
        Enter(key, "upload", cancellationToken);
        UploadLimits.CheckNumber(number);
        return new(UnderWay(key, uploadId) is { } upload ? new MemoryPartWriter(this, upload, number, store.Capabilities.MaxBlobLength) : null);
    }

    public ValueTask<IReadOnlyList<UploadedPart>?> ListPartsAsync(BlobKey key, string uploadId, int after = 0, int limit = 1000, CancellationToken cancellationToken = default)
    {
        Enter(key, "list", cancellationToken);
        UploadLimits.CheckPage(after, limit);
        if (UnderWay(key, uploadId) is not { } upload) return new((IReadOnlyList<UploadedPart>?)null);
        lock (upload.Gate) return new([.. upload.Parts.Values.Select(p => p.Info).Where(p => p.Number > after).Take(limit)]);
    }

    public ValueTask<IReadOnlyList<MultipartUpload>> ListUploadsAsync(UploadListRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        store.ThrowIfClosed("list");
        cancellationToken.ThrowIfCancellationRequested();
        request.Validate();
        return new([.. _uploads.Values.Where(u => !IsExpired(u)).Select(u => u.Describe()).Where(request.Shows)
            .OrderBy(u => u.Key).ThenBy(u => u.Id, StringComparer.Ordinal).Take(request.Limit)]);
    }

    public ValueTask<CompleteResult> CompleteAsync(
        BlobKey key, string uploadId, IReadOnlyList<PartReference> parts, CompleteOptions? options = null, CancellationToken cancellationToken = default)
    {
        Enter(key, "complete", cancellationToken);
        UploadLimits.CheckComplete(store.Capabilities, key, parts, options);
        if (UnderWay(key, uploadId) is not { } upload) return new(new CompleteResult(CompleteStatus.Missing));
        lock (upload.Gate)
        {
            if (upload.HasEnded) return new(new CompleteResult(CompleteStatus.Missing));
            foreach (PartReference part in parts)
            {
                if (!upload.Parts.TryGetValue(part.Number, out MemoryPart? kept) || kept.Info.ETag != part.ETag)
                    return new(new CompleteResult(CompleteStatus.InvalidPart, null, part.Number));
            }

            WriteResult written = store.Commit(key, Join(upload, parts), options, upload);
            if (!written.IsWritten) return new(new CompleteResult(CompleteStatus.PreconditionFailed, written.Info));
            upload.HasEnded = true;
            _uploads.TryRemove(uploadId, out _);
            return new(new CompleteResult(CompleteStatus.Completed, written.Info));
        }
    }

    public ValueTask<bool> AbortAsync(BlobKey key, string uploadId, CancellationToken cancellationToken = default)
    {
        Enter(key, "abort", cancellationToken);
        return new(UnderWay(key, uploadId) is { } upload && End(upload));
    }

    /// <summary>Removes uploads that nobody touched for the expiry.</summary>
    public void Sweep()
    {
        foreach (MemoryUpload upload in _uploads.Values)
        {
            if (IsExpired(upload)) End(upload);
        }
    }

    /// <summary>Keeps a part that has come in whole.</summary>
    internal WriteResult Keep(MemoryUpload upload, int number, byte[] bytes, CommitOptions? commit)
    {
        store.ThrowIfClosed("upload");
        uint checksum = Crc32C.Of(bytes);
        NewBlob.Verify(upload.Key, store.Capabilities.Store, bytes.Length, checksum, null, null, commit);
        lock (upload.Gate)
        {
            if (upload.HasEnded || IsExpired(upload)) return WriteResult.Missing;
            DateTimeOffset now = NewBlob.ToMilliseconds(clock.GetUtcNow());
            BlobVersion version = store.NextVersion();
            var part = new MemoryPart(bytes, new UploadedPart
            {
                Number = number, Length = bytes.Length, ETag = commit?.ETag ?? version.ToETag(), Checksum = checksum, Modified = now, Metadata = NewBlob.Copy(commit?.Metadata),
            });
            store.Claim(upload.Key, part.Size - (upload.Parts.TryGetValue(number, out MemoryPart? replaced) ? replaced.Size : 0));
            upload.Parts[number] = part;
            upload.Touched = now;
            return WriteResult.Written(
                new BlobInfo { Key = upload.Key, Length = bytes.Length, ETag = part.Info.ETag, Version = version, Created = now, Modified = now, Checksum = checksum, Metadata = part.Info.Metadata },
                store.Capabilities.Store);
        }
    }

    internal StorageException TooLarge(BlobKey key, long most) => store.TooLarge(key, most);

    private MemoryPayload Join(MemoryUpload upload, IReadOnlyList<PartReference> parts)
    {
        long length = parts.Sum(p => upload.Parts[p.Number].Info.Length);
        if (length > store.Capabilities.MaxBlobLength) throw store.TooLarge(upload.Key, store.Capabilities.MaxBlobLength);
        MemoryPayload whole = MemoryPayload.Allocate(upload.Key, (int)length);
        int offset = 0;
        foreach (PartReference part in parts)
        {
            byte[] bytes = upload.Parts[part.Number].Bytes;
            bytes.CopyTo(whole.Span[offset..]);
            offset += bytes.Length;
        }

        return whole;
    }

    private bool End(MemoryUpload upload)
    {
        lock (upload.Gate)
        {
            if (upload.HasEnded) return false;
            upload.HasEnded = true;
            _uploads.TryRemove(upload.Id, out _);
            store.Release(upload.Size);
            upload.Parts.Clear();
            return true;
        }
    }

    private void Enter(BlobKey key, string operation, CancellationToken cancellationToken)
    {
        StoreCapabilities.CheckKey(key);
        store.ThrowIfClosed(operation);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private MemoryUpload? UnderWay(BlobKey key, string uploadId)
    {
        ArgumentNullException.ThrowIfNull(uploadId);
        return _uploads.TryGetValue(uploadId, out MemoryUpload? upload) && upload.Key == key && !IsExpired(upload) ? upload : null;
    }

    private bool IsExpired(MemoryUpload upload) => clock.GetUtcNow() - upload.Touched >= expiry;
}
