namespace Strata;

/// <summary>What an import of metadata came to; each line of the file counts once.</summary>
public sealed record MetadataImport
{
    /// <summary>When the export was made.</summary>
    public DateTimeOffset Exported { get; init; }

    /// <summary>The name of the store that it was made of.</summary>
    public string Store { get; init; } = "";

    /// <summary>Blobs described by the file.</summary>
    public long Blobs { get; init; }

    /// <summary>Blobs whose metadata was set.</summary>
    public long Applied { get; init; }

    /// <summary>Blobs that had it already.</summary>
    public long Unchanged { get; init; }

    /// <summary>Blobs that are not here.</summary>
    public long Missing { get; init; }

    /// <summary>Blobs with other bytes than at the export, left as they are (<see cref="ImportMetadataOptions.OverOtherContent"/>).</summary>
    public long OtherContent { get; init; }

    /// <summary>Blobs whose expiry by the file has passed, left as they are: to set it would delete them.</summary>
    public long Expired { get; init; }

    /// <summary>Blobs that were written again and again meanwhile.</summary>
    public long Overtaken { get; init; }
}
