using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>What the opening of a store has come across in its folder.</summary>
internal sealed class DiskScan(ILogger log)
{
    /// <summary>The highest version found.</summary>
    public BlobVersion Version { get; private set; }

    /// <summary>The highest sequence found, in damaged files' names too: a new file never takes an old one's name.</summary>
    public ulong Sequence { get; private set; }

    /// <summary>Damaged files.</summary>
    public int Damaged { get; private set; }

    public void See(DiskBlobHeader header)
    {
        if (header.Info.Version > Version) Version = header.Info.Version;
        Sequence = Math.Max(Sequence, header.Sequence);
    }

    /// <summary>Reports a damaged file; what it held is missing.</summary>
    public void Report(string file, string fault)
    {
        Damaged++;
        Sequence = Math.Max(Sequence, DiskBlobFile.SequenceOf(file));
        log.LogError("The file {File} is damaged ({Fault}); it is left where it is, and what it held is missing", file, fault);
    }
}
