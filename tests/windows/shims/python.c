/* python.exe: all that it has to do is to hand its arguments over to the interpreter's DLL. */
#include <wchar.h>

__declspec(dllimport) int Py_Main(int count, wchar_t **arguments);

int wmain(int count, wchar_t **arguments) {
    return Py_Main(count, arguments);
}
