namespace Strata.Cli;

/// <summary>Who watches a copy. Safe for concurrent use.</summary>
internal interface ICopyProgress
{
    /// <summary>More bytes are to come.</summary>
    void Expect(long bytes);

    /// <summary>Bytes have passed.</summary>
    void Add(long bytes);
}
