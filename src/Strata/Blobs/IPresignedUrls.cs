namespace Strata;

/// <summary>A facet of stores whose server knows them: addresses by which whoever has them reads or writes one blob, without credentials, for a while.</summary>
/// <remarks>An address is a secret: whoever sees it may use it. An object written by one carries nothing of Strata's: its ETag is the server's, and it has no version.</remarks>
public interface IPresignedUrls
{
    /// <summary>An address that a GET reads the blob by. Whether the blob is there, or has expired, is not looked at.</summary>
    /// <param name="key">The blob.</param>
    /// <param name="lifetime">How long it holds: more than 0, at most 7 days.</param>
    /// <param name="cancellationToken">Gives up.</param>
    ValueTask<Uri> ForReadAsync(BlobKey key, TimeSpan lifetime, CancellationToken cancellationToken = default);

    /// <summary>An address that a PUT writes the blob by.</summary>
    /// <param name="key">The blob.</param>
    /// <param name="lifetime">How long it holds: more than 0, at most 7 days.</param>
    /// <param name="contentType">The Content-Type that the PUT must have; null for any.</param>
    /// <param name="cancellationToken">Gives up.</param>
    ValueTask<Uri> ForWriteAsync(BlobKey key, TimeSpan lifetime, string? contentType = null, CancellationToken cancellationToken = default);
}
