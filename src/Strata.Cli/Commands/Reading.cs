using System.CommandLine;
using Strata.Server;

namespace Strata.Cli;

/// <summary>What get and cat share.</summary>
internal static class Reading
{
    /// <summary>The part to read.</summary>
    public static Option<string?> RangeOption() => new("--range") { Description = "FIRST-LAST, FIRST- or -COUNT, in bytes from 0.", HelpName = "RANGE" };

    /// <summary>How to read; null for the whole blob.</summary>
    public static ReadOptions? OptionsOf(string? range)
    {
        if (range is null) return null;
        return ByteRange.TryParse(range, out BlobRange parsed)
            ? new ReadOptions { Range = parsed }
            : throw CliException.Usage($"--range takes FIRST-LAST, FIRST- or -COUNT, in bytes from 0; this is '{range}'.");
    }

    /// <summary>Opens a blob that must be there.</summary>
    public static async ValueTask<BlobReadResult> OpenAsync(IBlobStore store, Address source, BlobKey key, ReadOptions? options, CancellationToken cancellationToken)
    {
        BlobReadResult result = await store.ReadAsync(key, options, cancellationToken) ?? throw await MissingAsync(store, source, cancellationToken);
        if (result.Status == BlobReadStatus.Found)
        {
            if (result.StaleSince is { } since) Report.Error($"'{source.Text}' is as it was at {Columns.Time(since)}: the origin is out, and what was changed since may be missing.");
            return result;
        }

        await result.DisposeAsync();
        throw new CliException(ExitCode.Failed, $"'{source.Text}' has {result.Info.Length} bytes; none of them lies in that range.");
    }

    /// <summary>The tiers that hold a blob, fastest first; empty if it has just gone.</summary>
    public static ValueTask<IReadOnlyList<string>> LocateAsync(IBlobStore store, BlobKey key, CancellationToken cancellationToken) =>
        store is ServedBlobStore served ? served.LocateAsync(key, cancellationToken) : StoreTiers.LocateAsync(store, key, cancellationToken);

    /// <summary>A blob that is not there.</summary>
    /// <exception cref="StorageException">Its bucket is not there, of which the answer to a request for a blob need not tell.</exception>
    public static async ValueTask<CliException> MissingAsync(IBlobStore store, Address address, CancellationToken cancellationToken)
    {
        try
        {
            if (address.Kind == AddressKind.Bucket) await store.ListPageAsync(new ListRequest { Limit = 1, Exact = false }, cancellationToken);
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.AccessDenied)
        {
            // Who may read need not be allowed to list.
        }

        return CliException.NotFound($"There is no blob '{address.Text}'.");
    }
}
