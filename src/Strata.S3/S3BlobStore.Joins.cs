namespace Strata.S3;

/// <content>How the parts of an upload become a blob.</content>
public sealed partial class S3BlobStore
{
    /// <remarks>
    /// The server copies the parts; neighbours shorter than its least part go through this machine and are sent as one. All go
    /// through it where the blob is short, where its condition is honoured on single objects alone, or where parts must have one length.
    /// </remarks>
    async ValueTask<WriteResult> IRemoteStore.JoinAsync(
        BlobKey key, IReadOnlyList<RemoteBlob> pieces, long length, uint checksum, WriteOptions options, CommitOptions commit, CancellationToken cancellationToken)
    {
        CheckWrite(key, options);
        if (length <= _options.PartSize || SpoolsFor(options) || !HasOneLength(pieces)) return await SendAgainAsync(key, pieces, length, options, commit, cancellationToken).ConfigureAwait(false);
        S3Upload upload = await S3Upload.BeginAsync(this, Unfinished(key, options), length, cancellationToken).ConfigureAwait(false);
        await using (upload.ConfigureAwait(false))
        {
            var pending = new Pending(Buffers.Rent(S3Upload.MinPartBytes), 0);
            try
            {
                foreach (RemoteBlob piece in pieces)
                {
                    if (await AddAsync(upload, piece, pending, cancellationToken).ConfigureAwait(false) is not { } left) return WriteResult.Missing;
                    pending = left;
                }

                if (pending.Count > 0) pending = await SendAsync(upload, pending, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                Buffers.Return(pending.Buffer);
            }

            await upload.WhenSentAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
            if (upload.IsSourceChanged) return WriteResult.Missing;
            if (!_provider.Honours(S3Abilities.CopySourceMatch) && !await AreStillAsync(pieces, cancellationToken).ConfigureAwait(false)) return WriteResult.Missing;
            return await CommitUploadAsync(upload, length, checksum, options, commit, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<bool> AreStillAsync(IReadOnlyList<RemoteBlob> pieces, CancellationToken cancellationToken)
    {
        int changed = 0;
        await Parallel.ForEachAsync(pieces, Parallelism(cancellationToken), async (piece, _) =>
        {
            if (!await IsStillAsync(piece.Info.Key, piece).ConfigureAwait(false)) Interlocked.Increment(ref changed);
        }).ConfigureAwait(false);
        return changed == 0;
    }

    /// <summary>Adds a piece behind what waits to be sent, as long as that is too short to be a part. Null: it is another by now.</summary>
    private async ValueTask<Pending?> AddAsync(S3Upload upload, RemoteBlob piece, Pending pending, CancellationToken cancellationToken)
    {
        long offset = 0, length = piece.Info.Length;
        while (offset < length)
        {
            if (pending.Count == 0 && length - offset >= S3Upload.MinPartBytes)
            {
                await upload.CopyAsync(NameOf(piece.Info.Key, "complete"), piece.NativeETag, offset, length - offset, cancellationToken).ConfigureAwait(false);
                return pending;
            }

            int count = (int)Math.Min(length - offset, S3Upload.MinPartBytes - pending.Count);
            Opened opened = await GetAsync(piece.Info.Key, NameOf(piece.Info.Key, "complete"), BlobRange.From(offset, count), piece, cancellationToken).ConfigureAwait(false);
            if (opened.Result is not { } read) return null;
            await using (read.ConfigureAwait(false))
            {
                Stream stream = read.OpenStream();
                await using (stream.ConfigureAwait(false)) await stream.ReadExactlyAsync(pending.Buffer.AsMemory(pending.Count, count), cancellationToken).ConfigureAwait(false);
            }

            offset += count;
            pending = pending with { Count = pending.Count + count };
            if (pending.Count == S3Upload.MinPartBytes) pending = await SendAsync(upload, pending, cancellationToken).ConfigureAwait(false);
        }

        return pending;
    }

    /// <summary>Sends what is gathered as a part; the buffer that gathers is used again.</summary>
    private static async ValueTask<Pending> SendAsync(S3Upload upload, Pending pending, CancellationToken cancellationToken)
    {
        byte[] next = upload.Buffers.Rent(S3Upload.MinPartBytes);
        pending.Buffer.AsSpan(0, pending.Count).CopyTo(next);
        await upload.AddAsync(next, pending.Count, cancellationToken).ConfigureAwait(false);
        return pending with { Count = 0 };
    }

    private async ValueTask<WriteResult> SendAgainAsync(
        BlobKey key, IReadOnlyList<RemoteBlob> pieces, long length, WriteOptions options, CommitOptions commit, CancellationToken cancellationToken)
    {
        if (length > S3BlobStoreOptions.MaxSingleBytes && SpoolsFor(options)) throw TooLarge(key, options);
        var writer = new S3BlobWriter(this, key, options, length);
        await using (writer.ConfigureAwait(false))
        {
            foreach (RemoteBlob piece in pieces)
            {
                BlobReadResult? read = await ReadExactAsync(piece.Info.Key, piece, cancellationToken).ConfigureAwait(false);
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
        return !_provider.UniformParts || (first >= S3Upload.MinPartBytes && pieces[^1].Info.Length <= first && pieces.SkipLast(1).All(p => p.Info.Length == first));
    }

    /// <summary>Bytes that wait for more.</summary>
    private readonly record struct Pending(byte[] Buffer, int Count);
}
