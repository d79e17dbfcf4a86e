// Lists the locks that are held; the old name of "admin lock list".
import lockList from "./lock/list.ts";

export default lockList;
