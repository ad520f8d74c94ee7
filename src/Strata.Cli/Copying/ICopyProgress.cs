namespace Strata.Cli;

/// <summary>Who watches a copy. Safe for concurrent use.</summary>
internal interface ICopyProgress
{
    /// <summary>One more is to come, of this many bytes.</summary>
    void Expect(long bytes);

    /// <summary>Bytes have passed.</summary>
    void Add(long bytes);

    /// <summary>One of those that were to come is dealt with.</summary>
    /// <param name="notPassed">Bytes of it that never had to pass.</param>
    void Finish(long notPassed);
}
