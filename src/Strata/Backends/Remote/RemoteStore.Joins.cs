using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>How the parts of an upload become a blob.</content>
internal sealed partial class RemoteStore
{
    /// <summary>Makes pieces, one after the other, a blob. Missing: a piece is no longer what was looked at.</summary>
    /// <remarks>
    /// The server reads the pieces; neighbours shorter than its least part go through this machine and are sent as one. All go
    /// through it where the blob is short, where its condition is honoured on single objects alone, or where parts must have one length.
    /// </remarks>
    /// <param name="key">The blob's.</param>
    /// <param name="pieces">Of the store's own.</param>
    /// <param name="length">Of all of them.</param>
    /// <param name="checksum">Of all of them.</param>
    /// <param name="options">Types, metadata, expiry and condition.</param>
    /// <param name="commit">What was told last.</param>
    /// <param name="cancellationToken">Gives up before the commit.</param>
    public async ValueTask<WriteResult> JoinAsync(
        BlobKey key, IReadOnlyList<RemoteBlob> pieces, long length, uint checksum, WriteOptions options, CommitOptions commit, CancellationToken cancellationToken)
    {
        CheckWrite(key, options);
        if (length <= _options.PartSize || SpoolsFor(options) || !HasOneLength(pieces)) return await SendAgainAsync(key, pieces, length, options, commit, cancellationToken).ConfigureAwait(false);
        for (int start = 1; ; start++)
        {
            RemoteUpload upload = await BeginUploadAsync(key, options, length, cancellationToken).ConfigureAwait(false);
            await using (upload.ConfigureAwait(false))
            {
                if (!await GatherAsync(upload, pieces, cancellationToken).ConfigureAwait(false)) return WriteResult.Missing;
                try
                {
                    return await CommitUploadAsync(upload, length, checksum, options, commit, cancellationToken).ConfigureAwait(false);
                }
                catch (StorageException) when (upload.Overtaken is not null && start < MostStarts)
                {
                    _log.LogDebug("A completion of '{Key}' in store '{Store}' was overtaken by another write, and begins again.", key, _options.Name);
                }
            }
        }
    }

    /// <summary>Makes the pieces the upload's parts; false if one is another by now.</summary>
    private async ValueTask<bool> GatherAsync(RemoteUpload upload, IReadOnlyList<RemoteBlob> pieces, CancellationToken cancellationToken)
    {
        var pending = new Pending(Buffers.Rent(_traits.MinPartBytes), 0);
        try
        {
            foreach (RemoteBlob piece in pieces)
            {
                if (await AddAsync(upload, piece, pending, cancellationToken).ConfigureAwait(false) is not { } left) return false;
                pending = left;
            }

            if (pending.Count > 0) pending = await SendAsync(upload, pending, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Buffers.Return(pending.Buffer);
        }

        await upload.WhenSentAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        return !upload.IsSourceChanged && (_traits.CopySourceMatch || await AreStillAsync(pieces, cancellationToken).ConfigureAwait(false));
    }

    private async ValueTask<bool> AreStillAsync(IReadOnlyList<RemoteBlob> pieces, CancellationToken cancellationToken)
    {
        int changed = 0;
        await Parallel.ForEachAsync(pieces, AtOnce(cancellationToken), async (piece, _) =>
        {
            if (!await IsStillAsync(piece).ConfigureAwait(false)) Interlocked.Increment(ref changed);
        }).ConfigureAwait(false);
        return changed == 0;
    }

    /// <summary>Adds a piece behind what waits to be sent, as long as that is too short to be a part. Null: it is another by now.</summary>
    private async ValueTask<Pending?> AddAsync(RemoteUpload upload, RemoteBlob piece, Pending pending, CancellationToken cancellationToken)
    {
        int least = _traits.MinPartBytes;
        long offset = 0, length = piece.Info.Length;
        while (offset < length)
        {
            if (pending.Count == 0 && length - offset >= least)
            {
                RemoteSource source = await _service.SourceAsync(piece, "complete", cancellationToken).ConfigureAwait(false);
                await upload.CopyAsync(source, offset, length - offset, cancellationToken).ConfigureAwait(false);
                return pending;
            }

            int count = (int)Math.Min(length - offset, least - pending.Count);
            Opened opened = await OpenAsync(piece.Info.Key, "complete", BlobRange.From(offset, count), piece, cancellationToken).ConfigureAwait(false);
            if (opened.Result is not { } read) return null;
            await using (read.ConfigureAwait(false))
            {
                Stream stream = read.OpenStream();
                await using (stream.ConfigureAwait(false)) await stream.ReadExactlyAsync(pending.Buffer.AsMemory(pending.Count, count), cancellationToken).ConfigureAwait(false);
            }

            offset += count;
            pending = pending with { Count = pending.Count + count };
            if (pending.Count == least) pending = await SendAsync(upload, pending, cancellationToken).ConfigureAwait(false);
        }

        return pending;
    }

    /// <summary>Sends what is gathered as a part; the buffer that gathers is used again.</summary>
    private async ValueTask<Pending> SendAsync(RemoteUpload upload, Pending pending, CancellationToken cancellationToken)
    {
        byte[] next = upload.Buffers.Rent(_traits.MinPartBytes);
        pending.Buffer.AsSpan(0, pending.Count).CopyTo(next);
        await upload.AddAsync(next, pending.Count, cancellationToken).ConfigureAwait(false);
        return pending with { Count = 0 };
    }

    private async ValueTask<WriteResult> SendAgainAsync(
        BlobKey key, IReadOnlyList<RemoteBlob> pieces, long length, WriteOptions options, CommitOptions commit, CancellationToken cancellationToken)
    {
        if (length > LongestOf(options)) throw TooLarge(key, options);
        var writer = new RemoteBlobWriter(this, key, options, length);
        await using (writer.ConfigureAwait(false))
        {
            foreach (RemoteBlob piece in pieces)
            {
                BlobReadResult? read = await ReadAsync(piece, cancellationToken).ConfigureAwait(false);
                if (read is null) return WriteResult.Missing;
                await using (read.ConfigureAwait(false))
                {
                    Stream stream = read.OpenStream();
                    await using (stream.ConfigureAwait(false)) await writer.FillAsync(stream, cancellationToken).ConfigureAwait(false);
                }
            }

            return await writer.CommitAsync(commit, cancellationToken).ConfigureAwait(false);
        }
    }

    private bool HasOneLength(IReadOnlyList<RemoteBlob> pieces)
    {
        long first = pieces[0].Info.Length;
        return !_traits.UniformParts || (first >= _traits.MinPartBytes && pieces[^1].Info.Length <= first && pieces.SkipLast(1).All(p => p.Info.Length == first));
    }

    /// <summary>Bytes that wait for more.</summary>
    private readonly record struct Pending(byte[] Buffer, int Count);
}
