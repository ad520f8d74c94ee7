using System.Runtime.InteropServices;
using SQLitePCL;

namespace Strata.Benchmarks;

/// <summary>The newer of two SQLites: the system's, and the one that comes with the package.</summary>
internal static class SqliteLibrary
{
    private const string OfSystem = "libsqlite3.so.0";
    private const int VersionOfPackage = 3_035_005;
    private static readonly Lazy<string> Loaded = new(Load);

    /// <summary>What the tables call the peer, such as <c>SQLite 3.40.1</c>. Loads it.</summary>
    public static string Name => Loaded.Value;

    private static string Load()
    {
        // 0 for the one of the package, which is found without this.
        NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, (_, _, _) => NativeLibrary.TryLoad(OfSystem, out nint library) && VersionOf(library) > VersionOfPackage ? library : 0);
        raw.SetProvider(new SQLite3Provider_e_sqlite3());
        return $"SQLite {raw.sqlite3_libversion().utf8_to_string()}";
    }

    private static unsafe int VersionOf(nint library) =>
        NativeLibrary.TryGetExport(library, "sqlite3_libversion_number", out nint version) ? ((delegate* unmanaged<int>)version)() : 0;
}
